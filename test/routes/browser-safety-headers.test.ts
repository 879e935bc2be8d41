import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

function assertProtected(headers: Headers, what: string): void {
  assert.equal(headers.get("x-content-type-options"), "nosniff", what);
  assert.equal(headers.get("referrer-policy"), "no-referrer", what);
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/, what);
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", what);
  // Over http it means nothing, and must not be said (RFC 6797 §7.2).
  assert.equal(headers.get("strict-transport-security"), null, what);
}

/** Calls of all kinds of answers: by the framework, by hand, without content, of problems, streams. */
async function answersOf(app: TestApp, url: string): Promise<(readonly [string, number, Headers])[]> {
  const found: (readonly [string, number, Headers])[] = [];
  const note = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Headers> => {
    const answer = await app.call(method, path, body, headers);
    found.push([`${method} ${path}`, answer.status, answer.headers]);
    return answer.headers;
  };
  const opened = await note("POST", "/connections", { id: "home", url });
  await note("GET", "/connections/home", undefined, { "if-none-match": opened.get("etag") ?? "" });
  await note("HEAD", "/connections");
  await note("POST", "/connections/home/publish?topic=a", "21");
  await note("POST", "/connections/home/publish", { topic: "a" }, { "idempotency-key": "k" });
  await note("POST", "/connections/home/publish", { topic: "a" }, { "idempotency-key": "k" });
  await note("POST", "/connections/home/publish", { topic: "a", colour: 1 });
  await note("POST", "/connections/home/publish", '{"topic":"a"}\n', {
    "content-type": "application/x-ndjson",
  });
  await note("POST", "/connections/home/subscriptions", { topicFilter: "a" });
  await note("DELETE", "/connections/home/subscriptions/a");
  await note("POST", "/connections", "x".repeat(3_000_000));
  await note("PATCH", "/connections");
  await note("OPTIONS", "/connections");
  await note("GET", "/healthz", undefined, { "sec-fetch-site": "cross-site" });
  await note("GET", "/problems", undefined, { accept: "text/html" });
  const stream = await fetch(`${app.url}/events`);
  found.push(["a stream", stream.status, stream.headers]);
  await stream.body?.cancel();
  return found;
}

describe("protectAnswer()", () => {
  it("gives every answer the headers that keep browsers from taking it for something else", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    const answers = await answersOf(app, broker.url);
    assert.deepEqual(
      answers.map(([, status]) => status),
      [201, 304, 200, 202, 202, 202, 422, 200, 201, 204, 413, 405, 405, 403, 200, 200],
    );
    for (const [what, , headers] of answers) assertProtected(headers, what);
  });

  it("leaves a policy that a page has of its own", async () => {
    await using app = await startApp();
    const page = await app.call("GET", "/problems", undefined, { accept: "text/html" });
    assert.match(page.headers.get("content-security-policy") ?? "", /style-src 'unsafe-inline'/);
  });

  it("asks for https where it was called by it, except on this machine, whose other servers it would shut", async () => {
    await using app = await startApp({ CONNACK_ALLOWED_HOSTS: "connack.example" });
    for (const [url, said] of [
      ["https://connack.example/healthz", "max-age=31536000"],
      ["http://connack.example/healthz", null],
      ["https://localhost:8443/healthz", null],
      ["https://[::1]/healthz", null],
    ] as const) {
      const { host } = new URL(url);
      const answer = await app.app.fetch(new Request(url, { headers: { host } }));
      assert.equal(answer.status, 200, url);
      assert.equal(answer.headers.get("strict-transport-security"), said, url);
    }
  });
});
