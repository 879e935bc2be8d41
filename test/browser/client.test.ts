import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { promisify } from "node:util";
import { adminToken } from "../support/access.ts";
import { launchBrowser, openPage } from "../support/chromium.ts";
import { secretKey } from "../support/durable-app.ts";
import { freePort } from "../support/free-port.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { startMain, startProgram } from "../support/program.ts";
import { startProxy } from "../support/proxy.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const root = join(import.meta.dirname, "../..");

/** A program of a user's, as a page and as Node run it: it says a line for each thing that it sees. */
const program = (url: string) => `
import { ConnackProblem, createClient } from "./client/client.js";
const client = createClient({ url: "${url}", token: "${adminToken}" });
try {
  await client.connections.create({ url: "mqtt://127.0.0.1:1" });
} catch (error) {
  console.log("problem", error instanceof ConnackProblem, error.status, error.code, error.stage, error.retryable);
}
const made = await client.connections.get("home");
console.log("found", made.state);
const abort = new AbortController();
const events = (async () => {
  for await (const event of client.events({ connection: "home", types: ["connected"], after: "earliest", signal: abort.signal }))
    if (event.type !== "snapshot") console.log("event", event.type, event.id);
})();
for await (const message of client.messages("home").stream({ after: "earliest" })) {
  console.log("message", message.type === "message" ? message.payload : message.type);
  if (message.payload === "end") break;
}
abort.abort();
await events;
const { reasonCode } = await client.publish("home", { topic: "other", payload: new Uint8Array([1]), qos: 1 });
console.log("published", reasonCode);
`;

/** Lines that somebody prints, and a wait for one of them. */
function lines() {
  let text = "";
  const waiting = new Set<() => void>();
  return {
    all: () => text,
    add: (line: string) => {
      text += `${line}\n`;
      for (const check of [...waiting]) check();
    },
    printed: (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (pattern.test(text)) resolve(void waiting.delete(check));
        };
        waiting.add(check);
        check();
      }),
  };
}

/** A folder as a site of its own. */
async function startSite(folder: string) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://site").pathname);
    const type = path.endsWith(".js") ? "text/javascript" : "text/html";
    try {
      response.setHeader("content-type", type).end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  const listening = await listenOnLoopback(server);
  return {
    origin: `http://127.0.0.1:${listening.port}`,
    [Symbol.asyncDispose]: () => listening.close(),
  };
}

describe("connack/client, built, on a page of another origin and on Node", () => {
  it(
    "reads events and messages over cut connections and a crash of the server: none is lost, none comes twice",
    async () => {
      using directory = temporaryDirectory();
      const folder = join(directory.path, "site");
      mkdirSync(folder);
      const built = ["--noEmit", "false", "-p", "src/client", "--outDir", join(folder, "client")];
      await promisify(execFile)(join(root, "node_modules/.bin/tsc"), built, { cwd: root });
      await using broker = await startMosquitto();
      await using site = await startSite(folder);
      const port = await freePort();
      await using proxy = await startProxy(port);
      const url = `http://127.0.0.1:${proxy.port}`;
      const start = () =>
        startMain({
          CONNACK_PORT: String(port),
          CONNACK_STORE: `sqlite:${join(directory.path, "connack.db")}`,
          CONNACK_SECRET_KEY: secretKey,
          CONNACK_ADMIN_TOKEN: adminToken,
          CONNACK_EGRESS_ALLOW: "loopback",
          CONNACK_CORS_ORIGINS: site.origin,
        });
      await using first = start();
      await first.printed(/listening/);
      const made = await fetch(`${url}/connections/home`, {
        method: "PUT",
        headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
        body: JSON.stringify({
          ...{ url: broker.url, cleanStart: false, properties: { sessionExpiryInterval: 3_600 } },
          ...{ log: { durable: true }, subscriptions: [{ topicFilter: "t", qos: 2 }] },
        }),
      });
      assert.equal(made.status, 201, await made.text());

      writeFileSync(join(folder, "package.json"), '{"type":"module"}');
      writeFileSync(join(folder, "program.js"), program(url));
      writeFileSync(
        join(folder, "index.html"),
        '<!doctype html><title>page</title><script type="module" src="program.js"></script>',
      );
      await using browser = await launchBrowser();
      await using opened = await openPage(browser, "about:blank");
      const page = lines();
      opened.page.on("console", (message) => {
        if (message.type() === "log") page.add(message.text());
      });
      await opened.page.goto(`${site.origin}/index.html`);
      await using node = startProgram("node", [join(folder, "program.js")]);
      await using publisher = await connectClient(broker.url);
      const both = (pattern: RegExp) => Promise.all([page.printed(pattern), node.printed(pattern)]);
      const publish = async (...payloads: readonly string[]) => {
        for (const payload of payloads) await publisher.publishAsync("t", payload, { qos: 2 });
      };

      await publish("1", "2");
      await both(/message 2\n/);
      proxy.cut();
      await publish("3", "4");
      await both(/message 4\n/);
      first.signal("SIGKILL");
      await first.exited;
      await publish("5", "6");
      await using second = start();
      await second.printed(/listening/);
      await both(/event connected [^]*event connected /);
      await publish("end");
      await both(/published 0\n|published 16\n/);

      assert.equal(await node.exited, 0, node.output());
      for (const text of [page.all(), node.output()]) {
        assert.match(text, /^problem true 502 connection-refused tcp true\nfound connected\n/);
        assert.equal(
          text.match(/(?<=^message ).*/gm)?.join(),
          "1,2,3,4,5,6,end",
          `${text}\n${second.output()}`,
        );
        const events = text.match(/(?<=^event connected ).+/gm) ?? [];
        assert.deepEqual([events.length, new Set(events).size], [2, 2], text);
      }
      assert.deepEqual(opened.faults, []);
    },
    { skip: needs("chromium", "mosquitto", "npm"), timeout: 60_000 },
  );
});
