import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProgram } from "./support/program.ts";
import { runtimeProgram } from "./support/runtimes.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

describe("bun run build", () => {
  it(
    "makes one file that knows its version, keeps things on disk, and is well",
    async () => {
      using directory = temporaryDirectory();
      const file = join(directory.path, "connack");
      const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
      const [, ...args] = manifest.scripts.build.replace("dist/connack", file).split(" ");
      await run(runtimeProgram("bun"), args, { cwd: root });
      // Not from the repository's folder: there it would find what it should have in itself.
      const { stdout } = await run(file, ["--version"], { cwd: directory.path });
      assert.equal(stdout, `${manifest.version}\n`);
      const data = join(directory.path, "data/connack.db");
      await using connack = startProgram(file, ["serve"], {
        CONNACK_PORT: "0",
        CONNACK_STORE: `sqlite:${data}`,
      });
      const url = (await connack.printed(/http:\/\/\S+/)).trim();
      const body = JSON.stringify({ url: "mqtt://127.0.0.1:1" });
      const headers = { "content-type": "application/json", prefer: "respond-async" };
      const put = await fetch(`${url}/connections/home`, { method: "PUT", headers, body });
      assert.equal(put.status, 202, await put.text());
      for (const path of ["/", "/dashboard/main.js", "/docs", "/openapi.json"])
        assert.equal((await fetch(`${url}${path}`)).status, 200, path);
      await using check = startProgram(file, ["healthcheck", "--url", url]);
      assert.equal(await check.exited, 0, check.output());
      connack.signal("SIGTERM");
      assert.equal(await connack.exited, 0, connack.output());
      assert.ok(readFileSync(data).includes("home"));
    },
    { timeout: 60_000 },
  );
});
