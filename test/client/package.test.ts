import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startDemoBroker } from "../../src/demo/broker.ts";
import { startApp } from "../support/app.ts";
import { needs } from "../support/needs.ts";
import { runtimeProgram } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const example = /### From TypeScript[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";

/** Packs a copy, since runs beside this one use the folder, and puts it where a user's program finds it. */
async function installed(folder: string): Promise<string> {
  const source = join(folder, "source");
  mkdirSync(source);
  for (const name of ["package.json", "tsconfig.json", "README.md", "LICENSE", "CHANGELOG.md"])
    copyFileSync(join(root, name), join(source, name));
  cpSync(join(root, "src"), join(source, "src"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
  const options = {
    cwd: source,
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
  };
  await run("npm", ["pack", "--silent", "--pack-destination", folder], options);
  const user = join(folder, "user");
  const home = join(user, "node_modules/connack");
  mkdirSync(home, { recursive: true });
  await run("tar", ["-xzf", join(folder, "connack-0.1.0.tgz"), "-C", home, "--strip-components=1"]);
  return user;
}

describe("connack/client, packed and installed", () => {
  it(
    "runs the README's example on Bun, Deno and Node, and has types that a program is checked with",
    async () => {
      assert.match(example, /from "connack\/client"/);
      using directory = temporaryDirectory();
      const user = await installed(directory.path);
      await using app = await startApp();
      const broker = await startDemoBroker(0);
      const text = example
        .replaceAll("http://127.0.0.1:8080", app.url)
        .replaceAll("mqtt://127.0.0.1:1883", `mqtt://127.0.0.1:${broker.port}`);
      writeFileSync(join(user, "package.json"), '{"type":"module"}');
      writeFileSync(join(user, "example.ts"), text);
      const options = { cwd: user };
      const strict = [
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "esnext",
        "--lib",
        "esnext,dom",
        "--types",
        "",
      ];
      await run(join(root, "node_modules/.bin/tsc"), [...strict, "example.ts"], options);
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
    { skip: needs("npm"), timeout: 90_000 },
  );
});
