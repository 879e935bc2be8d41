import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDemoBroker } from "../src/demo/broker.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { needs } from "./support/needs.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const recipes = readFileSync(new URL("../docs/recipes.md", import.meta.url), "utf8");

/** The code of the first block in this language below a heading that begins so. */
function code(heading: string, language: string): string {
  const section = recipes.split(/^## /m).find((part) => part.startsWith(heading));
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]+?)\`\`\``).exec(section ?? "")?.[1];
  assert.ok(found !== undefined, `no ${language} below "${heading}"`);
  return found;
}

interface Stand extends AsyncDisposable {
  readonly app: TestApp;
  readonly directory: string;
  readonly broker: string;
  /** Runs a program of the recipes, with the addresses of this stand, in its directory. */
  run(program: string, args: readonly string[], source: string): ChildProcess;
}

async function stand(): Promise<Stand> {
  const broker = await startDemoBroker(0);
  const app = await startApp();
  const directory = temporaryDirectory();
  const children: ChildProcess[] = [];
  return {
    app,
    directory: directory.path,
    broker: `mqtt://127.0.0.1:${broker.port}`,
    run: (program, args, source) => {
      const file = join(directory.path, `recipe-${children.length}`);
      const local = source
        .replaceAll("http://127.0.0.1:8080", app.url)
        .replaceAll("mqtt://127.0.0.1:1883", `mqtt://127.0.0.1:${broker.port}`);
      writeFileSync(file, local);
      const child = spawn(program, [...args, file], {
        cwd: directory.path,
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill("SIGKILL");
      await app.stop();
      await broker.close();
      directory[Symbol.dispose]();
    },
  };
}

/** All that a program prints until it ends. */
async function output(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return text;
}

/** What a program has printed as soon as it fits. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (pattern.test(text)) resolve(text);
    });
    child.once("close", () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}

describe("docs/recipes.md", () => {
  it(
    "shell: publishes a reading",
    async () => {
      await using at = await stand();
      const script = code("Shell and cron", "bash");
      assert.equal((await at.app.open({ id: "look", url: at.broker })).status, 201);
      const reader = at.app.call("GET", "/connections/look/messages?subscribe=hosts/%23&wait=10");
      assert.match(await output(at.run("bash", [], script)), /"reasonCode":/);
      assert.match((await reader).body.items[0].payload, /^\d+\.\d+$/);
    },
    { skip: needs("curl"), timeout: 60_000 },
  );

  it(
    "PHP: publishes, asks, and prints the answer",
    async () => {
      await using at = await stand();
      assert.equal((await at.app.open({ id: "look", url: at.broker })).status, 201);
      const reader = at.app.call("GET", "/connections/look/messages?subscribe=shop/%23&wait=10");
      const text = await output(at.run("php", [], code("PHP", "php")));
      assert.equal(text, 'published: 200\nanswer: {"article":4711}\n');
      assert.equal((await reader).body.items[0].payload, "order 4711\n");
    },
    { skip: needs("php"), timeout: 60_000 },
  );

  it(
    "Python: reads on from its cursor after a restart, without a message twice or left out",
    async () => {
      await using at = await stand();
      const program = code("Python", "python");
      const publish = (text: string) =>
        at.app.call("POST", "/connections/worker/publish", { topic: "shop/orders", payload: text, qos: 1 });
      const first = at.run("python3", ["-u"], program);
      // Its subscription is there when it says what it reads.
      const one = printed(first, /one\n/);
      await at.app.call("PUT", "/connections/worker", workerRequest(at.broker));
      assert.equal((await publish("one")).status, 200);
      assert.equal(await one, "shop/orders one\n");
      first.kill("SIGKILL");
      await once(first, "close");
      assert.equal((await publish("two")).status, 200);
      const second = at.run("python3", ["-u"], program);
      const rest = printed(second, /three\n/);
      assert.equal((await publish("three")).status, 200);
      const text = await rest;
      assert.match(text, /^(shop\/orders one\n)?shop\/orders two\nshop\/orders three\n$/);
    },
    { skip: needs("python"), timeout: 60_000 },
  );

  it(
    "lines: publishes a file, and counts what was taken",
    async () => {
      await using at = await stand();
      writeFileSync(join(at.directory, "readings.csv"), "a,1\nb,2\nc,3\n");
      assert.equal((await at.app.open({ id: "look", url: at.broker })).status, 201);
      const subscribed = await at.app.call("POST", "/connections/look/subscriptions", {
        topicFilter: "sensors/+",
        qos: 1,
      });
      assert.equal(subscribed.status, 201);
      assert.equal(await output(at.run("bash", [], code("Many messages", "bash"))), "3 of 3 taken\n");
      const { body } = await at.app.call("GET", "/connections/look/messages?wait=5");
      assert.deepEqual(
        body.items.map((item: { payload: string }) => item.payload),
        ["1", "2", "3"],
      );
    },
    { skip: needs("curl"), timeout: 60_000 },
  );
});

/** As the recipe has it: the same PUT again changes nothing. */
function workerRequest(url: string): object {
  return {
    url,
    clientId: "worker-1",
    cleanStart: false,
    properties: { sessionExpiryInterval: 3600 },
    subscriptions: [{ topicFilter: "shop/#", qos: 1 }],
  };
}
