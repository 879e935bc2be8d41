import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readDockerfile } from "./support/dockerfile.ts";
import { cannotJail, jailUser, startJail, type Jail } from "./support/jail.ts";
import { startMosquitto } from "./support/mosquitto.ts";
import { needs } from "./support/needs.ts";
import type { Program } from "./support/program.ts";
import { connectClient } from "./support/mqtt-client.ts";
import { describe, it } from "./support/test.ts";

const dockerfile = readDockerfile();
const root = join(import.meta.dirname, "..");
const json = { "content-type": "application/json" };

/** Nothing of the image is said, but that it listens on loopback, where no access control is asked for. */
const environment = {
  CONNACK_HOST: "127.0.0.1",
  CONNACK_PORT: "0",
  CONNACK_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
};

async function started(jail: Jail): Promise<{ program: Program; url: string }> {
  const program = jail.start(dockerfile.entrypoint, environment);
  const line = await program.printed(/connack listening on \S+/);
  return { program, url: line.slice("connack listening on ".length) };
}

async function stopped(program: Program): Promise<void> {
  program.signal(dockerfile.one("STOPSIGNAL") as NodeJS.Signals);
  assert.equal(await program.exited, 0, program.output());
}

describe("the Dockerfile", () => {
  it("has base images of the version of Bun that is tested, and of no other name", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const image of dockerfile.baseImages)
      assert.match(
        image,
        new RegExp(`^oven/bun:${devDependencies.bun.replaceAll(".", "\\.")}(-distroless)?$`),
      );
    assert.match(dockerfile.baseImages.at(-1) ?? "", /-distroless$/);
  });

  it("ends as a user by number, without a shell, and stops by SIGTERM", () => {
    assert.equal(dockerfile.one("USER"), `${jailUser}:${jailUser}`);
    assert.equal(dockerfile.one("STOPSIGNAL"), "SIGTERM");
    assert.equal(dockerfile.one("VOLUME"), "/data");
    assert.deepEqual(dockerfile.entrypoint, ["/usr/local/bin/bun", "src/main.ts"]);
    assert.equal(dockerfile.healthcheck[0], "/usr/local/bin/bun");
  });

  it("copies from the folder only what .dockerignore lets in, and that is all that it lets in", () => {
    const ignore = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    const rules = ignore.filter((line) => line !== "" && !line.startsWith("#"));
    assert.equal(rules[0], "*");
    const own = dockerfile.copies.flat().filter(({ from }) => from === null);
    assert.deepEqual(
      rules.slice(1).toSorted(),
      [...new Set(own.flatMap(({ sources }) => sources))].map((name) => `!${name}`).toSorted(),
    );
  });
});

const skip = needs("mosquitto") || cannotJail();

describe("the image's files, read-only but for /data, for a user without rights", () => {
  it(
    "serve, publish, are found well by HEALTHCHECK, stop, and come back with what was kept",
    async () => {
      await using broker = await startMosquitto({});
      await using reader = await connectClient(broker.url);
      await reader.subscribeAsync("jail/#", { qos: 1 });
      const arrived = new Promise((resolve) =>
        reader.once("message", (_, payload) => resolve(String(payload))),
      );
      using jail = startJail();

      const first = await started(jail);
      await using _first = first.program;
      const body = JSON.stringify({ url: broker.url, log: { durable: true } });
      const put = await fetch(`${first.url}/connections/home`, { method: "PUT", headers: json, body });
      assert.equal(put.status, 201, await put.text());
      const publish = `${first.url}/connections/home/publish?topic=jail/1&qos=1`;
      const published = await fetch(publish, { method: "POST", body: "hello" });
      assert.equal(published.status, 200, await published.text());
      assert.equal(await arrived, "hello");

      const port = { CONNACK_PORT: new URL(first.url).port };
      await using check = jail.start(dockerfile.healthcheck, port);
      assert.equal(await check.exited, 0, check.output());
      await using failing = jail.start(dockerfile.healthcheck, { CONNACK_PORT: "1" });
      assert.notEqual(await failing.exited, 0);
      checkFiles(jail.data);
      await stopped(first.program);

      const second = await started(jail);
      await using _second = second.program;
      const found = await fetch(`${second.url}/connections/home?wait=10&since=0`);
      assert.equal(found.status, 200, await found.text());
      await stopped(second.program);
      checkFiles(jail.data);
    },
    { skip, timeout: 60_000 },
  );

  it(
    "cannot write elsewhere, and have no capability",
    async () => {
      using jail = startJail();
      const script = `
        const fs = require("node:fs");
        for (const path of ["/app/x", "/x", "/tmp/x", "/usr/local/bin/x", "/data/x"]) {
          try { fs.writeFileSync(path, ""); console.log(path, "written"); } catch (error) { console.log(path, error.code); }
        }
        console.log(fs.readFileSync("/proc/self/status", "utf8").match(/^(Uid|CapEff|CapPrm|NoNewPrivs):.*$/gm).join("\\n"));`;
      await using program = jail.start(["/usr/local/bin/bun", "-e", script], {});
      assert.equal(await program.exited, 0, program.output());
      const said = program.output().replaceAll(/[\t ]+/g, " ");
      assert.match(
        said,
        /\/app\/x EROFS\n\/x EROFS\n\/tmp\/x ENOENT\n\/usr\/local\/bin\/x EROFS\n\/data\/x written/,
      );
      assert.match(said, new RegExp(`^Uid: ${jailUser} ${jailUser}`, "m"));
      assert.match(said, /^CapEff: 0+$/m);
      assert.match(said, /^NoNewPrivs: 1$/m);
    },
    { skip },
  );
});

/** All of it is the user's own and nobody else's, under whatever umask: here it is 0. */
function checkFiles(data: string): void {
  assert.equal(statSync(data).mode & 0o777, 0o700);
  const names = readdirSync(data);
  assert.ok(names.includes("connack.db"), names.join());
  for (const name of names) {
    const { mode, uid } = statSync(join(data, name));
    assert.equal(mode & 0o777, 0o600, name);
    assert.equal(uid, jailUser, name);
  }
}
