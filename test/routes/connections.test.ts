import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

describe("POST /connections", () => {
  it(
    "answers 201 with the CONNACK, and DELETE disconnects",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      const answer = await app.open({ id: "home", url: broker.url, clientId: "c1" });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.headers.get("location"), "/connections/home");
      assert.equal(answer.body.state, "connected");
      assert.deepEqual(answer.body.connack.reasonCode, 0);
      await using events = await app.events("/connections/home/events?lastEventId=earliest");
      assert.equal((await events.next()).type, "snapshot");
      const removed = await app.call("DELETE", "/connections/home");
      assert.equal(removed.status, 200, removed.text);
      assert.equal(removed.body.state, "closed");
      await events.ended;
      assert.deepEqual(
        events.seen.map((e) => e.type),
        ["snapshot", "connecting", "connected", "closing", "closed"],
      );
      assert.equal((await app.call("DELETE", "/connections/home")).status, 404);
      await broker.logged(/Client c1 disconnected/);
    },
    { skip: needs("mosquitto") },
  );

  itHolds("without an id makes one, and with one keeps it", async (rig) => {
    const broker = await rig.broker(accepts());
    const made = await rig.open({ url: broker.url });
    assert.match(made.body.id, /^c_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{20,}$/);
    assert.equal(made.headers.get("location"), `/connections/${made.body.id}`);
    const given = await rig.open({ id: "A.b_c~d-1", url: broker.url });
    assert.equal(given.body.id, "A.b_c~d-1");
    assert.equal((await rig.call("GET", given.headers.get("location")!)).status, 200);
  });

  itHolds("the view has every field of the contract", async (rig) => {
    const broker = await rig.broker(accepts());
    const { body, headers } = await rig.open({ id: "v", url: broker.url, labels: { site: "bonn" } });
    assert.equal(body.version, 2);
    assert.deepEqual(body.flags, {
      connected: true,
      badConnection: false,
      sessionPresent: false,
      reconnecting: false,
      disconnecting: false,
    });
    const { at, ...reason } = body.lastReason;
    assert.deepEqual(reason, {
      packet: "connack",
      from: "broker",
      code: 0,
      name: "Success",
      text: null,
      protocolVersion: "5",
    });
    for (const time of [at, body.since, body.createdAt, body.connectedAt])
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(body.lastReasonCode, 0);
    assert.equal(body.lastError, null);
    assert.equal(body.expiresAt, null);
    assert.deepEqual(body.attempts, { current: 0, total: 1, nextAt: null });
    assert.equal(body.counters.connects, 1);
    assert.equal(body.counters.disconnects, 0);
    assert.ok(body.counters.bytesIn > 0 && body.counters.bytesOut > 0);
    assert.deepEqual(body.request.labels, { site: "bonn" });
    assert.equal(body.request.reconnect.minDelayMs, 1_000);
    assert.equal(body.links.self, "/connections/v");
    assert.equal(body.links.events, "/connections/v/events");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(headers.get("etag") ?? "", /^W\/"[^"]+"$/);
  });

  itHolds("an id that exists: 409, and the connection that has it is left alone", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "twice", url: broker.url });
    assertProblem(await rig.open({ id: "twice", url: broker.url }), 409, "connection-exists");
    assert.equal(broker.peers.length, 1);
  });

  itHolds("idleTtlMs: closed and removed when no call touches it for so long", async (rig) => {
    const broker = await rig.broker(accepts());
    await using events = await rig.app.events("/events");
    const { body } = await rig.open({ id: "idle", url: broker.url, idleTtlMs: 1_000 });
    assert.notEqual(body.expiresAt, null);
    const [closed, ms] = await timed(events.next("closed"));
    assert.equal(closed.data.cause, "idle");
    assert.ok(ms >= 900 && ms < 5_000, `${ms} ms`);
    assert.equal((await rig.call("GET", "/connections/idle")).status, 404);
    await broker.idle();
    assert.equal(broker.peers[0]?.received.at(-1)?.cmd, "disconnect");
  });
});
