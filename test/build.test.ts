import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProgram } from "./support/program.ts";
import { runtimeProgram } from "./support/runtimes.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { after, describe, it } from "./support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Runs a script of package.json that builds, but for `dist/`, which runs beside this one may use. */
async function build(file: string, ...more: readonly string[]): Promise<void> {
  const [, ...args] = manifest.scripts.build.replace("dist/connack", file).split(" ");
  await run(runtimeProgram("bun"), [...args, ...more], { cwd: root });
}

/** `e_machine` of an ELF file: 62 is x86-64, 183 AArch64. */
function machineOf(file: string): number {
  const head = readFileSync(file).subarray(0, 20);
  assert.equal(head.toString("latin1", 1, 4), "ELF");
  return head.readUInt16LE(18);
}

describe("bun run build", () => {
  it(
    "makes one file that knows its version, keeps things on disk, and is well",
    async () => {
      using directory = temporaryDirectory();
      const file = join(directory.path, "connack");
      await build(file);
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

/** It is Bun's own package for the other processor, which Bun fetches as it does packages; the reason why it could not. */
async function buildForArm(file: string): Promise<string | false> {
  const [target] = /--target=\S+/.exec(manifest.scripts["build:arm64"]) ?? [];
  return build(file, target ?? assert.fail("no target")).then(
    () => false,
    (error: unknown) => `Bun for arm64 could not be fetched: ${String(error)}`,
  );
}

const directory = temporaryDirectory();
const arm = join(directory.path, "connack-arm64");
const failed = await buildForArm(arm);

describe("bun run build:arm64", () => {
  after(() => directory[Symbol.dispose]());

  it(
    "makes one file of the same for arm64, which does not start here",
    () => {
      assert.equal(failed, false);
      assert.equal(machineOf(arm), 183);
      const bytes = readFileSync(arm);
      for (const part of [`"${manifest.version}"`, "/sqlite-thread.js", "<title>Connack"])
        assert.ok(bytes.includes(part), part);
    },
    // Without network there is nothing to look at; with CI=true that is a failure, which says why.
    { skip: process.env["CI"] !== "true" && failed },
  );
});
