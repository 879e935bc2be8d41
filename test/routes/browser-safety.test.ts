import assert from "node:assert/strict";
import { connect } from "node:net";
import { startApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

/** fetch() does not let a test choose `Host`. */
function status(port: number, head: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`),
    );
    socket.setEncoding("utf8");
    socket.once("data", (text: string) => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1]));
    });
    socket.once("error", reject);
  });
}

describe("browserSafety()", () => {
  it("answers loopback names and allowed hosts, and no others", async () => {
    await using app = await startApp({ CONNACK_ALLOWED_HOSTS: "connack.example" });
    const port = Number(new URL(app.url).port);
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
      "connack.example",
      "CONNACK.example:443",
    ]) {
      assert.equal(await status(port, `GET /healthz HTTP/1.1\r\nHost: ${host}`), 200, host);
    }
    for (const host of [
      "attacker.example",
      `127.0.0.1.attacker.example:${port}`,
      "connack.example.attacker.example",
    ]) {
      assert.equal(await status(port, `GET /healthz HTTP/1.1\r\nHost: ${host}`), 403, host);
    }
  });

  it("asks for a Host, which HTTP/1.0 may leave out", async () => {
    await using app = await startApp();
    const port = Number(new URL(app.url).port);
    assert.equal(await status(port, "GET /healthz HTTP/1.0"), 400);
    assert.equal(await status(port, "GET /healthz HTTP/1.0\r\nHost: localhost"), 200);
  });

  it("takes no changes from pages of other sites, and lets them look", async () => {
    await using app = await startApp();
    const foreign = [
      { origin: "https://attacker.example" },
      { "sec-fetch-site": "cross-site" },
      { origin: "null" },
    ];
    for (const headers of foreign) {
      const changed = await app.call("POST", "/connections/x/ping", undefined, headers);
      assert.equal(changed.body.code, "cross-site-request", JSON.stringify(headers));
      assert.equal((await app.call("GET", "/healthz", undefined, headers)).status, 200);
    }
    const own = await app.call("POST", "/connections/x/ping", undefined, {
      origin: app.url,
      "sec-fetch-site": "same-origin",
    });
    assert.equal(own.body.code, "not-found");
  });
});
