import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "./support/broker-scripts.ts";
import { startProgram, type Program } from "./support/program.ts";
import { runtimeProgram, thisRuntime } from "./support/runtimes.ts";
import { startScriptedBroker } from "./support/scripted-broker.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const root = join(import.meta.dirname, "..");
const document = readFileSync(join(root, "docs/deployment.md"), "utf8");

/** The line for Deno, as it stands there. */
const [, denoLine = ""] = /```\n(deno run [\s\S]+?src\/main\.ts)\n```/.exec(document) ?? [];

/** A checkout with its packages, to start things in as an operator does. */
function checkout() {
  const directory = temporaryDirectory();
  for (const name of ["src", "routes", "package.json"])
    cpSync(join(root, name), join(directory.path, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(directory.path, "node_modules"));
  return directory;
}

/** Runs a command line in a folder, where `deno` is the Deno that the tests have. */
function startLine(line: string, folder: string, environment: Record<string, string> = {}): Program {
  const script = `cd '${folder}' && deno() { exec '${runtimeProgram("deno")}' "$@"; } && ${line}`;
  return startProgram("/bin/sh", ["-c", script], { CONNACK_PORT: "0", ...environment });
}

describe("docs/deployment.md", () => {
  it("has the permissions that Deno needs for everything, and they let it do nothing else", async () => {
    using folder = checkout();
    await using broker = await startScriptedBroker(accepts());
    assert.doesNotMatch(denoLine, / -A|--allow-(all|run|ffi|sys|import)/);
    const CONNACK_SECRET_KEY = Buffer.alloc(32, 7).toString("base64");
    await using connack = startLine(denoLine, folder.path, { CONNACK_SECRET_KEY });
    const url = (await connack.printed(/http:\/\/\S+/)).trim();
    const call = async (method: string, path: string, body?: object) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    };
    const request = { url: broker.url, username: "u", password: "p" };
    const put = await call("PUT", "/connections/home", request);
    assert.equal(put.status, 201, put.text);
    const published = await call("POST", "/connections/home/publish", { topic: "a", payload: "x" });
    assert.equal(published.status, 202, published.text);
    // Names are resolved, and TLS begins.
    const missing = await call("POST", "/connections", { url: "mqtts://no-such-host.invalid" });
    assert.equal(missing.status, 502, missing.text);
    const tls = await call("POST", "/connections", { url: broker.url.replace("mqtt:", "mqtts:") });
    assert.equal(tls.status, 502, tls.text);
    for (const path of ["/", "/dashboard/main.js", "/docs", "/metrics"])
      assert.equal((await call("GET", path)).status, 200, path);
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0, connack.output());
    assert.ok(existsSync(join(folder.path, "data/connack.db")));
    assert.doesNotMatch(connack.output(), /NotCapable|"level":"error"|Requires .* access/);

    const elsewhere = { CONNACK_STORE: "sqlite:./elsewhere/connack.db" };
    await using refused = startLine(denoLine, folder.path, elsewhere);
    assert.equal(await refused.exited, 1, refused.output());
  });

  const itOnDeno = thisRuntime === "deno" ? it : () => {};
  itOnDeno("has no permission for Deno that it could start without", async () => {
    const parts = [...denoLine.matchAll(/ --allow-\w+(?:=(\S+))?/g)].flatMap(([flag, list]) =>
      list === undefined || !list.includes(",")
        ? [denoLine.replace(flag, "")]
        : list.split(",").map((each) => {
            const others = list.split(",").filter((other) => other !== each);
            return denoLine.replace(flag, flag.replace(list, others.join()));
          }),
    );
    assert.equal(parts.length, 5);
    await Promise.all(
      parts.map(async (line) => {
        assert.notEqual(line, denoLine);
        using folder = checkout();
        await using connack = startLine(line, folder.path);
        await assert.rejects(connack.printed(/listening/), /Requires \w+ access/, line);
      }),
    );
  });

  it("lets Deno listen on all addresses, where it connects to none at its own port", async () => {
    using folder = checkout();
    const token = "a".repeat(32);
    await using connack = startLine(denoLine, folder.path, {
      ...{ CONNACK_HOST: "0.0.0.0", CONNACK_STORE: "memory" },
      ...{ CONNACK_ADMIN_TOKEN: token, CONNACK_EGRESS_ALLOW: "private" },
    });
    const { port } = new URL((await connack.printed(/http:\/\/\S+/)).trim());
    const response = await fetch(`http://127.0.0.1:${port}/connections`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ url: `mqtt://10.255.255.1:${port}` }),
    });
    assert.equal(response.status, 403, await response.text());
    assert.doesNotMatch(connack.output(), /NotCapable/);
  });

  it("runs the container with nothing that it does not need", () => {
    for (const flag of ["--read-only", "--cap-drop ALL", "--security-opt no-new-privileges"])
      assert.ok(document.includes(flag), flag);
  });
});
