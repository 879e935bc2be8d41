import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "./support/broker-scripts.ts";
import { startProgram } from "./support/program.ts";
import { runtimeProgram } from "./support/runtimes.ts";
import { startScriptedBroker } from "./support/scripted-broker.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const root = join(import.meta.dirname, "..");
const document = readFileSync(join(root, "docs/deployment.md"), "utf8");

/** The flags of the line for Deno, with paths from the root, and with another folder in the place of `data`. */
function denoFlags(data: string): string[] {
  const [, line = ""] = /```\ndeno run ([\s\S]+?)src\/main\.ts\n```/.exec(document) ?? [];
  const place = (path: string) => (path === "data" ? data : join(root, path));
  return line
    .replaceAll("\\\n", " ")
    .split(/\s+/)
    .filter(Boolean)
    .map((flag) =>
      flag.replace(/(?<=^--allow-(?:read|write)=).+/, (list) => list.split(",").map(place).join()),
    );
}

describe("docs/deployment.md", () => {
  it("has the permissions that Deno needs for everything, and they let it do nothing else", async () => {
    using directory = temporaryDirectory();
    await using broker = await startScriptedBroker(accepts());
    const data = join(directory.path, "data");
    const flags = denoFlags(data);
    assert.ok(flags.includes(`--allow-write=${data}`), flags.join(" "));
    assert.ok(!flags.some((flag) => /^(-A|--allow-(all|run|ffi|sys|import))/.test(flag)));
    const deno = runtimeProgram("deno");
    const args = ["run", ...flags, "--no-check", join(root, "src/main.ts")];
    await using connack = startProgram(deno, args, {
      CONNACK_PORT: "0",
      CONNACK_STORE: `sqlite:${join(data, "connack.db")}`,
      CONNACK_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
    });
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
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0, connack.output());
    assert.doesNotMatch(connack.output(), /NotCapable|"level":"error"|Requires .* access/);

    const elsewhere = join(directory.path, "elsewhere", "connack.db");
    await using refused = startProgram(deno, args, {
      CONNACK_PORT: "0",
      CONNACK_STORE: `sqlite:${elsewhere}`,
    });
    assert.equal(await refused.exited, 1, refused.output());
  });

  it("lets Deno listen on all addresses, where it connects to none at its own port", async () => {
    using directory = temporaryDirectory();
    const token = "a".repeat(32);
    const args = ["run", ...denoFlags(join(directory.path, "data")), "--no-check", join(root, "src/main.ts")];
    await using connack = startProgram(runtimeProgram("deno"), args, {
      ...{ CONNACK_HOST: "0.0.0.0", CONNACK_PORT: "0", CONNACK_STORE: "memory" },
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
