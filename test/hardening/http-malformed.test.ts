import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { abuses } from "../support/http-abuse.ts";
import { rawExchange, type RawExchange } from "../support/raw-http.ts";
import { after, before, describe, it } from "../support/test.ts";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n`;

describe("S76: what is no proper HTTP request", () => {
  let app: TestApp;
  const exchanges = new Map<string, Promise<RawExchange>>();

  before(async () => {
    app = await startApp({
      CONNACK_HEADER_TIMEOUT_MS: "500",
      CONNACK_BODY_TIMEOUT_MS: "500",
      CONNACK_HTTP_IDLE_TIMEOUT_MS: "500",
    });
    // All at once, as one runtime takes its time with those whose head it does not see the end of.
    const port = Number(new URL(app.url).port);
    for (const { name, bytes } of abuses) exchanges.set(name, rawExchange(port, bytes));
  });
  after(() => app.stop());

  for (const { name, allowed = [] } of abuses) {
    it(`${name}: refused or closed, and nothing that is hidden in it is answered`, async () => {
      const { text, statuses } = await exchanges.get(name)!;
      assert.ok(statuses.length <= 1, text);
      for (const status of statuses)
        assert.ok((status >= 400 && status < 500) || allowed.includes(status), text);
      assert.doesNotMatch(text, /"version":/);
    });
  }

  it("others are answered as ever, and the log knows of no defect", async () => {
    await Promise.all(exchanges.values());
    assert.equal((await app.call("GET", "/healthz")).status, 200);
    assert.deepEqual(
      app.logs.filter((line) => /"level":"error"/.test(line)),
      [],
    );
  });

  it("pipelined requests are answered in their order, and only those", async () => {
    const port = Number(new URL(app.url).port);
    const last = `${get("/nowhere")}Connection: close\r\n\r\n`;
    const { text, statuses } = await rawExchange(port, `${get("/healthz")}\r\n${get("/version")}\r\n${last}`);
    assert.deepEqual(statuses, [200, 200, 404], text);
  });
});
