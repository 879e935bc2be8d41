import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startDemoBroker } from "../src/demo/broker.ts";
import { startApp } from "./support/app.ts";
import { startMosquitto } from "./support/mosquitto.ts";
import { needs } from "./support/needs.ts";
import { installPackage, packPackage, pathWith, type PackedPackage } from "./support/package.ts";
import { startProgram } from "./support/program.ts";
import { runtimeProgram, thisRuntime } from "./support/runtimes.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { after, before, describe, it } from "./support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const example = /### From TypeScript[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
const skip = needs("npm");

describe("the npm package, installed into an empty folder", () => {
  const directory = temporaryDirectory();
  const user = join(directory.path, "user");
  const connack = join(user, "node_modules/.bin/connack");
  let packed: PackedPackage;
  before(async () => {
    if (skip !== false) return;
    packed = await packPackage(directory.path);
    await installPackage(packed.file, user, thisRuntime === "bun" ? "bun" : "npm");
  });
  after(() => directory[Symbol.dispose]());

  it(
    "has all that it needs, and nothing that only its makers need",
    () => {
      const known =
        /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|src\/launcher\.sh|dist\/client\/[\w-]+\.(js|d\.ts)|dist\/server\/[\w-]+\.js|docs\/(\w+\.md|grafana\/\w+\.json|kubernetes\/\w+\.yaml|prometheus\/[\w.]+\.yaml|systemd\/\w+\.service))$/;
      assert.deepEqual(
        packed.contents.filter((name) => !known.test(name) || /stale/.test(name)),
        [],
      );
      for (const name of ["README.md", "LICENSE", "dist/server/sqlite-thread.js", "docs/deployment.md"])
        assert.ok(packed.contents.includes(name), name);
      assert.equal(manifest.private, true);
    },
    { skip },
  );

  it(
    `serves on ${thisRuntime} by its launcher, with the dashboard and what it keeps on disk, and ends by SIGTERM`,
    async () => {
      const PATH = pathWith(directory.path, thisRuntime, "node", "npx");
      const version = await run(connack, ["--version"], { env: { PATH }, cwd: directory.path });
      assert.equal(version.stdout, `${manifest.version}\n`);
      const byNpx = await run("npx", ["--no-install", "connack", "--version"], { env: { PATH }, cwd: user });
      assert.equal(byNpx.stdout, `${manifest.version}\n`);

      await using broker = await startMosquitto();
      const data = join(directory.path, "data/connack.db");
      const settings = { PATH, CONNACK_PORT: "0", CONNACK_STORE: `sqlite:${data}` };
      await using server = startProgram(connack, ["serve"], settings);
      const url = (await server.printed(/http:\/\/\S+/)).trim();
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ url: broker.url });
      const put = await fetch(`${url}/connections/home`, { method: "PUT", headers, body });
      assert.equal(put.status, 201, await put.text());
      for (const path of ["/", "/dashboard/main.js", "/docs", "/openapi.json"])
        assert.equal((await fetch(`${url}${path}`)).status, 200, path);
      await run(connack, ["healthcheck", "--url", url], { env: { PATH } });
      server.signal("SIGTERM");
      assert.equal(await server.exited, 0, server.output());
      assert.ok(readFileSync(data).includes("home"));
    },
    { skip: needs("npm", "mosquitto"), timeout: 60_000 },
  );

  const itOnBun = thisRuntime === "bun" ? it : () => {};
  itOnBun(
    "is started by bunx, where there is nothing but Bun",
    async () => {
      const env = { PATH: pathWith(directory.path, "bun"), BUN_INSTALL_CACHE_DIR: directory.path };
      for (const flags of [[], ["--bun"]]) {
        const args = ["x", ...flags, "--no-install", "connack", "--version"];
        const { stdout } = await run(runtimeProgram("bun"), args, { env, cwd: user });
        assert.equal(stdout, `${manifest.version}\n`);
      }
    },
    { skip },
  );

  it(
    "says in one sentence what to install where there is neither runtime, and what Node does not run",
    async () => {
      const PATH = pathWith(directory.path, null);
      await using without = startProgram(connack, ["serve"], { PATH });
      assert.equal(await without.exited, 127);
      assert.match(
        without.output(),
        /^connack: neither Bun nor Deno is on the PATH; .*"npm install bun".*\n$/,
      );
      const main = join(user, "node_modules/connack/dist/server/main.js");
      await using byNode = startProgram("node", [main, "serve"]);
      assert.equal(await byNode.exited, 1);
      assert.match(
        byNode.output(),
        /^Connack runs on Bun [\d.]+ or Deno [\d.]+, or newer; this is Node.*\n$/,
      );
    },
    { skip },
  );

  it(
    "has connack/client: the README's example runs on Bun, Deno and Node, and its types hold",
    async () => {
      assert.match(example, /from "connack\/client"/);
      await using app = await startApp();
      const broker = await startDemoBroker(0);
      const text = example
        .replaceAll("http://127.0.0.1:8080", app.url)
        .replaceAll("mqtt://127.0.0.1:1883", `mqtt://127.0.0.1:${broker.port}`);
      writeFileSync(join(user, "example.ts"), text);
      const options = { cwd: user };
      const strict = "--strict --module nodenext --target esnext --lib esnext,dom".split(" ");
      await run(join(root, "node_modules/.bin/tsc"), [...strict, "--types", "", "example.ts"], options);
      for (const [program, ...parameters] of [
        [runtimeProgram("bun"), "example.ts"],
        [
          runtimeProgram("deno"),
          "run",
          "--no-check",
          "--allow-net=127.0.0.1",
          "--node-modules-dir=manual",
          "example.ts",
        ],
        // What `tsc` made of it: not every Node takes TypeScript, and none takes that of a package.
        ["node", "example.js"],
      ] as const) {
        const { stdout } = await run(program, parameters, { ...options, timeout: 20_000 });
        assert.match(stdout, /^connected\nsensors\/1 21\.5\n$/, program);
      }
      await broker.close();
    },
    { skip, timeout: 60_000 },
  );
});
