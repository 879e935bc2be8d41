import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, sendConnack } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe, it } from "../support/test.ts";

/** Answers CONNECT when the test says so: to user name `good` with success, to others with 0x86. */
function gated() {
  const gate = Promise.withResolvers<void>();
  const users: string[] = [];
  const script = async (peer: ScriptedPeer) => {
    const { username = "" } = await peer.next("connect");
    users.push(username);
    await gate.promise;
    if (username !== "good") return sendConnack(peer, 0x86);
    sendConnack(peer);
    await peer.next("disconnect");
    peer.end();
  };
  return { script, open: gate.resolve, users };
}

describe("calls on one id at once", () => {
  it("reconnect: only the attempt with its own credentials answers for a call", async () => {
    const gate = gated();
    await using broker = await startScriptedBroker(gate.script);
    await using app = await startApp();
    await app.open({ id: "r", url: broker.url, username: "first" }, "?wait=0");
    await broker.connection(1);
    const calls = ["bad", "worse", "good"].map((username) =>
      app.call("POST", "/connections/r/reconnect", { username }),
    );
    await broker.connection(2);
    gate.open();
    const answers = await Promise.all(calls);
    for (const { status, body } of answers) {
      assert.ok(status === 200 || body.code === "superseded", JSON.stringify(body));
    }
    assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
    const last = gate.users.at(-1);
    assert.equal(
      (await app.call("GET", "/connections/r")).body.state,
      last === "good" ? "connected" : "failed",
    );
  });

  it("reconnect ?wait=0 with new credentials gives up an attempt under way and dials", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      const { username } = await peer.next("connect");
      if (username === "good") sendConnack(peer);
    });
    await using app = await startApp();
    await using events = await app.events("/events");
    await app.open({ id: "r", url: broker.url, username: "slow" }, "?wait=0");
    await broker.connection(1);
    assert.equal(
      (await app.call("POST", "/connections/r/reconnect?wait=0", { username: "good" })).status,
      202,
    );
    await events.next("connected");
    assert.equal((await app.call("GET", "/connections/r")).body.attempts.total, 2);
  });

  it("PUT of what a synchronous POST is opening waits with it, and keeps it when it fails", async () => {
    await using broker = await startScriptedBroker(silent());
    await using app = await startApp();
    const request = { url: broker.url, connectTimeoutMs: 500, durable: false };
    const posted = app.open({ id: "p", ...request });
    await broker.connection(1);
    const put = await app.call("PUT", "/connections/p", request);
    assert.equal(put.body.code, "connack-timeout");
    assert.equal((await posted).body.code, "connack-timeout");
    assert.equal((await app.call("GET", "/connections/p")).body.state, "waiting");
  });

  it("PUT ?wait=0 answers at once while the old one drains, and nobody gets the id in between", async () => {
    const released = Promise.withResolvers<void>();
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
      if (peer.number > 1) return;
      const { messageId = 0 } = await peer.next("subscribe");
      await released.promise;
      peer.send({ cmd: "suback", messageId, granted: [0] });
      await peer.next("disconnect");
      peer.end();
    });
    await using app = await startApp();
    await using events = await app.events("/events?types=connected,closed");
    await app.open({ id: "p", url: broker.url, subscriptions: [{ topicFilter: "t" }] });
    await broker.connection(1);
    const put = await app.call("PUT", "/connections/p?wait=0", { url: broker.url, keepAlive: 30 });
    assert.deepEqual([put.status, put.body.state, put.body.request.keepAlive], [202, "connecting", 30]);
    assert.equal((await app.open({ id: "p", url: broker.url })).body.code, "connection-exists");
    assert.equal(broker.peers.length, 1);
    released.resolve();
    await events.next("closed");
    await events.next("connected");
    assert.equal((await app.call("GET", "/connections/p")).body.state, "connected");
  });

  it("DELETE while a PUT replaces deletes what the PUT made", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
      await peer.next("subscribe");
      // Never acknowledged, so that the PUT waits for the drain.
    });
    await using app = await startApp();
    await app.open({ id: "p", url: broker.url, subscriptions: [{ topicFilter: "t" }] });
    await broker.connection(1);
    const put = app.call("PUT", "/connections/p", { url: broker.url, keepAlive: 30 });
    await using events = await app.events("/events?types=closing&lastEventId=earliest");
    await events.next("closing");
    assert.equal((await app.call("DELETE", "/connections/p")).status, 200);
    assert.equal((await put).body.code, "connection-closed");
    assert.equal((await app.call("GET", "/connections/p")).status, 404);
    assert.equal(broker.peers.length, 1);
  });

  it("a generated client id that is too long for MQTT 3.1 is not carried into it", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    const first = await app.call("PUT", "/connections/p", { url: broker.url });
    const second = await app.call("PUT", "/connections/p", { url: broker.url, keepAlive: 30 });
    assert.equal(second.body.clientId, first.body.clientId);
    const third = await app.call("PUT", "/connections/p", { url: broker.url, protocolVersion: "3.1" });
    assert.equal(third.body.clientId.length, 23);
  });
});

describe("calls that wait", () => {
  it("keep a connection from going idle", async () => {
    const gate = gated();
    await using broker = await startScriptedBroker(gate.script);
    await using app = await startApp();
    const posted = app.open({ id: "i", url: broker.url, username: "good", idleTtlMs: 1_000 });
    await broker.connection(1);
    // Another one, begun later, has gone idle: so this would have.
    await using idle = await startScriptedBroker(accepts());
    await using events = await app.events("/events?types=closed&connection=short");
    await app.open({ id: "short", url: idle.url, idleTtlMs: 1_000 });
    await events.next("closed");
    gate.open();
    assert.equal((await posted).status, 201);
  });

  it("do not use up the waits of calls that do not", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ CONNACK_MAX_WAITS: "1" });
    await app.open({ id: "w", url: broker.url });
    const waiting = app.call("GET", "/connections/w?wait=30");
    for (;;) {
      // The call above is one of the waits as soon as another is refused.
      if ((await app.call("POST", "/connections/w/ping")).status === 429) break;
    }
    assert.equal((await app.open({ id: "x", url: broker.url }, "?wait=0")).status, 202);
    assert.equal((await app.call("DELETE", "/connections/w")).status, 200);
    assert.equal((await waiting).body.state, "closing");
  });
});
