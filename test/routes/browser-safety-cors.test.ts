import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const page = "https://app.example";
const environment = { CONNACK_CORS_ORIGINS: `${page},http://localhost:5173/` };
const fromPage = { origin: page, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };

const preflight = (url: string, path: string, origin: string) =>
  fetch(`${url}${path}`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,mqtt-user-property",
    },
  });

/** Members of a list in a header, in lower case. */
const listed = (headers: Headers, name: string) =>
  new Set((headers.get(name) ?? "").split(",").map((one) => one.trim().toLowerCase()));

describe("crossOrigin()", () => {
  it("is off unless origins are listed", async () => {
    await using app = await startApp();
    const asked = await preflight(app.url, "/connections", page);
    await asked.text();
    assert.equal(asked.headers.get("access-control-allow-origin"), null);
    assert.equal(asked.ok, false);
    const read = await app.call("GET", "/connections", undefined, { origin: app.url });
    assert.equal(read.headers.get("access-control-allow-origin"), null);
  });

  it("answers preflights of listed origins, on any path, without credentials", async () => {
    await using app = await startApp(environment);
    for (const origin of [page, "http://localhost:5173"])
      for (const path of ["/connections", "/connections/x/publish", "/nonsense"]) {
        const { status, headers } = await preflight(app.url, path, origin);
        assert.equal(status, 204);
        assert.equal(headers.get("access-control-allow-origin"), origin);
        assert.equal(headers.get("access-control-allow-credentials"), null);
        assert.ok(listed(headers, "vary").has("origin"));
        const allowed = listed(headers, "access-control-allow-headers");
        for (const name of ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"])
          assert.ok(allowed.has(name), name);
        for (const name of ["last-event-id", "prefer", "x-request-id", "mqtt-qos", "mqtt-user-property"])
          assert.ok(allowed.has(name), name);
        const methods = listed(headers, "access-control-allow-methods");
        for (const method of ["get", "post", "put", "patch", "delete"])
          assert.ok(methods.has(method), method);
      }
  });

  it("says nothing to other origins, and refuses what they call", async () => {
    await using app = await startApp(environment);
    for (const origin of [
      "https://app.example.attacker.example",
      "http://app.example",
      `${page}:444`,
      "null",
    ]) {
      const { headers } = await preflight(app.url, "/connections", origin);
      assert.equal(headers.get("access-control-allow-origin"), null, origin);
      const call = await app.call("POST", "/connections/x/ping", undefined, { ...fromPage, origin });
      assert.equal(call.body.code, "cross-site-request");
      assert.equal(call.headers.get("access-control-allow-origin"), null);
      assert.equal(call.headers.get("cross-origin-resource-policy"), "same-origin");
    }
    // What a page embeds says no Origin, be it a listed one.
    const image = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
    assert.equal((await app.call("GET", "/events", undefined, image)).status, 403);
  });

  it("lets pages of listed origins call, and read what they are answered", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp(environment);
    const opened = await app.call("POST", "/connections", { id: "home", url: broker.url }, fromPage);
    const answers = [
      opened,
      await app.call("POST", "/connections/home/publish?topic=a", "21", fromPage),
      await app.call("POST", "/connections/home/publish", "[", fromPage),
      await app.call("GET", "/nonsense", undefined, fromPage),
      await app.call("GET", "/connections/home", undefined, {
        ...fromPage,
        "if-none-match": opened.headers.get("etag") ?? "",
      }),
      await app.call("GET", "/connections", undefined, {}),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 202, 400, 404, 304, 200],
    );
    for (const { headers, status } of answers) {
      assert.ok(listed(headers, "vary").has("origin"), String(status));
      const exposed = listed(headers, "access-control-expose-headers");
      for (const name of ["location", "etag", "link", "retry-after", "ratelimit", "ratelimit-policy"])
        assert.ok(exposed.has(name), name);
      for (const name of [
        "x-request-id",
        "idempotent-replayed",
        "preference-applied",
        "connack-last-event-id",
      ])
        assert.ok(exposed.has(name), name);
    }
    for (const { headers } of answers.slice(0, -1)) {
      assert.equal(headers.get("access-control-allow-origin"), page);
      assert.equal(headers.get("cross-origin-resource-policy"), "cross-origin");
    }
    assert.equal(answers.at(-1)?.headers.get("access-control-allow-origin"), null);
  });

  it("streams say so, too", async () => {
    await using app = await startApp(environment);
    for (const format of ["sse", "ndjson"]) {
      const hangUp = new AbortController();
      const { signal } = hangUp;
      const { status, headers } = await fetch(`${app.url}/events?format=${format}`, {
        headers: fromPage,
        signal,
      });
      assert.equal(status, 200);
      assert.equal(headers.get("access-control-allow-origin"), page);
      assert.ok(listed(headers, "vary").has("origin"));
      hangUp.abort();
    }
  });
});
