import assert from "node:assert/strict";
import { connect } from "node:net";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
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

  it("answers the host of CONNACK_PUBLIC_URL, and takes its origin for its own behind a proxy", async () => {
    await using app = await startApp({ CONNACK_PUBLIC_URL: "https://connack.example/" });
    const port = Number(new URL(app.url).port);
    const ping = "POST /connections/x/ping HTTP/1.1\r\nHost:";
    assert.equal(await status(port, "GET /healthz HTTP/1.1\r\nHost: connack.example"), 200);
    assert.equal(await status(port, "GET /healthz HTTP/1.1\r\nHost: other.example"), 403);
    // A proxy may pass on another Host than the browser's.
    for (const host of ["connack.example", `127.0.0.1:${port}`])
      assert.equal(await status(port, `${ping} ${host}\r\nOrigin: https://connack.example`), 404, host);
    assert.equal(await status(port, `${ping} connack.example\r\nOrigin: http://connack.example:81`), 403);
  });

  it("takes no calls from pages of other sites, whatever the method", async () => {
    await using app = await startApp();
    const { port } = new URL(app.url);
    const foreign = [
      { origin: "https://attacker.example" },
      { origin: "null" },
      { origin: "nonsense" },
      // Another port of the same host is another server.
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: app.url, "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "object" },
    ];
    for (const headers of foreign) {
      for (const [method, path] of [
        ["POST", "/connections/x/ping"],
        ["DELETE", "/connections/x"],
        ["GET", "/connections/x/messages?subscribe=%23"],
        ["GET", "/connections/x/retained?topic=a"],
        ["GET", "/events"],
        ["GET", "/healthz"],
        ["POST", "/connections/x/publish?topic=a"],
      ] as const) {
        const answer = await app.call(method, path, undefined, headers);
        assert.equal(answer.body.code, "cross-site-request", `${method} ${path} ${JSON.stringify(headers)}`);
      }
    }
  });

  it("lets its own pages and those who are no pages call", async () => {
    await using app = await startApp();
    for (const headers of [
      { origin: app.url, "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      {},
    ]) {
      const ping = await app.call("POST", "/connections/x/ping", undefined, headers);
      assert.equal(ping.body.code, "not-found");
      assert.equal((await app.call("GET", "/connections", undefined, headers)).status, 200);
    }
  });

  it("lets links from other sites lead to pages for people, and to nothing else", async () => {
    await using app = await startApp();
    const link = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    for (const path of ["/healthz", "/problems", "/problems/dns-error", "/version"])
      assert.equal((await app.call("GET", path, undefined, link)).status, 200, path);
    for (const [method, path] of [
      ["GET", "/connections"],
      ["GET", "/connections/x/messages?subscribe=%23"],
      ["GET", "/connections/x/retained?topic=a"],
      ["GET", "/events"],
      ["GET", "/problems/../connections"],
      ["POST", "/healthz"],
    ] as const) {
      const answer = await app.call(method, path, undefined, link);
      assert.equal(answer.body.code, "cross-site-request", `${method} ${path}`);
    }
    // A form of another site is a navigation, too, and says Origin.
    const form = await app.call("GET", "/healthz", undefined, {
      ...link,
      origin: "https://attacker.example",
    });
    assert.equal(form.status, 403);
  });

  it("a page of another site cannot have the broker subscribed to", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await app.open({ id: "home", url: broker.url });
    const image = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
    for (const path of ["messages?subscribe=%23&wait=0", "retained?topic=a"])
      assert.equal((await app.call("GET", `/connections/home/${path}`, undefined, image)).status, 403);
    const peer = await broker.connection(1);
    // Whatever was sent before would have come before this.
    await app.call("POST", "/connections/home/ping");
    assert.ok(peer.received.every(({ cmd }) => cmd !== "subscribe"));
  });
});
