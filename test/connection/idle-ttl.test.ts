import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durableStore } from "../support/durable-store.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

// Longer than any of the calls takes on a busy machine.
const idleTtlMs = 3_000;

describe("idleTtlMs", () => {
  it("closes what nobody touches with DISCONNECT, but not what has a stream open, until that ends", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await using all = await app.events("/events?types=closed");
    const opened = await app.open({ id: "held", url: broker.url, idleTtlMs });
    assert.equal(opened.status, 201, opened.text);
    await using stream = await app.events("/connections/held/events");
    assert.equal((await app.call("GET", "/connections/held")).body.expiresAt, null);

    await app.open({ id: "idle", url: broker.url, idleTtlMs });
    const { body: view } = await app.call("GET", "/connections/idle");
    const left = Date.parse(view.expiresAt) - Date.now();
    assert.ok(left > 0 && left <= idleTtlMs, `expires in ${left} ms`);

    // The younger one goes first, since nothing holds it.
    const closed = await all.next("closed");
    assert.deepEqual([closed.data.connection, closed.data.cause], ["idle", "idle"]);
    assert.equal((await app.call("GET", "/connections/idle")).status, 404);
    const peer = await broker.connection(2);
    await peer.closed;
    assert.ok(peer.received.some(({ cmd }) => cmd === "disconnect"));

    assert.equal((await app.call("GET", "/connections?state=connected")).body.items.length, 1);
    stream.close();
    assert.equal((await all.next("closed")).data.connection, "held");
  });

  it("is put off by each call, and by no list", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await using all = await app.events("/events?types=closed");
    for (const id of ["untouched", "touched"]) await app.open({ id, url: broker.url, idleTtlMs });
    // Calls go on until the other one is gone, which is when the first time of this one is over.
    let gone = false;
    const waiting = all.next("closed").then((event) => {
      gone = true;
      return event;
    });
    const calls = (async () => {
      for (;;) {
        if (gone) return;
        assert.equal((await app.call("GET", "/connections/touched")).status, 200);
        await app.call("GET", "/connections");
      }
    })();
    assert.equal((await waiting).data.connection, "untouched");
    await calls;
    assert.equal((await all.next("closed")).data.connection, "touched");
  });

  it("a connection that takes the place of another one does not go idle under its readers", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({}, { store: durableStore() });
    const request = { url: broker.url, log: { durable: true }, idleTtlMs };
    assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
    await using stream = await app.events("/connections/home/messages?format=sse");
    assert.equal((await app.call("PUT", "/connections/home", { ...request, keepAlive: 7 })).status, 200);
    const peer = await broker.connection(2);
    const { body } = await app.call("GET", "/connections/home");
    assert.equal(body.expiresAt, null);
    peer.send({ cmd: "publish", topic: "t", payload: Buffer.from("x"), qos: 0, dup: false, retain: false });
    await stream.next("message");
  });
});
