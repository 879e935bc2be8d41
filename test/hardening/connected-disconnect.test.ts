import assert from "node:assert/strict";
import { accepts, sendConnack } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";
import { inState, viewWhen } from "../support/view.ts";

const soon = { minDelayMs: 10, maxDelayMs: 50 };

describe("S37: a broker that disconnects a client", () => {
  for (const [code, name] of [
    [0x8e, "Session taken over"],
    [0x98, "Administrative action"],
  ] as const) {
    itHolds(`S37: DISCONNECT 0x${code.toString(16)} leads to failed, and no attempt follows`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url, reconnect: soon });
      await using events = await rig.app.events("/connections/home/events");
      const peer = await broker.connection(1);
      peer.send({ cmd: "disconnect", reasonCode: code, properties: { reasonString: "go away" } });
      const disconnected = await events.next("disconnected");
      assert.equal(disconnected.data.from, "broker");
      assert.equal(disconnected.data.reasonCode, code);
      const failed = await events.next();
      assert.equal(failed.type, "failed");
      assert.deepEqual([failed.data.why, failed.data.flags.badConnection], ["permanent", true]);
      await peer.closed;
      const { body: view } = await rig.call("GET", "/connections/home");
      assert.equal(view.state, "failed");
      assert.deepEqual(
        { ...view.lastReason, at: null },
        {
          packet: "disconnect",
          from: "broker",
          code,
          name,
          text: "go away",
          protocolVersion: "5",
          at: null,
        },
      );
      assert.equal(view.attempts.nextAt, null);
      assert.equal(broker.peers.length, 1);
      // It stays readable, and a person can have it dialled again.
      assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
      assert.equal(broker.peers.length, 2);
    });
  }

  for (const code of [0x8b, 0x8d]) {
    itHolds(`S37: DISCONNECT 0x${code.toString(16)} leads to waiting, and back`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url, reconnect: soon });
      await using events = await rig.app.events("/connections/home/events");
      (await broker.connection(1)).send({ cmd: "disconnect", reasonCode: code });
      const seen = [];
      for (let i = 0; i < 5; i += 1) seen.push(await events.next());
      assert.deepEqual(
        seen.map(({ type, data }) => [type, data.state]),
        [
          ["snapshot", undefined],
          ["disconnected", "waiting"],
          ["waiting", "waiting"],
          ["connecting", "connecting"],
          ["connected", "connected"],
        ],
      );
      assert.deepEqual([seen[1]?.data.reasonCode, seen[1]?.data.from], [code, "broker"]);
      assert.equal(seen[3]?.data.cause, "lost");
      assert.equal(broker.liveCount(), 1);
    });
  }

  itHolds("S37: two connections with one client id do not take it from each other for ever", async (rig) => {
    let holder: ScriptedPeer | null = null;
    const broker = await rig.broker(async (peer) => {
      await peer.next("connect");
      holder?.send({ cmd: "disconnect", reasonCode: 0x8e });
      holder = peer;
      peer.answer("disconnect", () => peer.end());
      sendConnack(peer);
    });
    const request = { url: broker.url, clientId: "same", reconnect: soon };
    assert.equal((await rig.open({ id: "first", ...request })).status, 201);
    assert.equal((await rig.open({ id: "second", ...request })).status, 201);
    await viewWhen(rig.app, "first", inState("failed"));
    const { body } = await rig.call("GET", "/connections/second");
    assert.deepEqual([body.state, body.attempts.total], ["connected", 1]);
    assert.equal(broker.peers.length, 2);
  });

  itHolds(
    "S37: where the broker takes over without a word, the back-off grows at each take-over",
    async (rig) => {
      await using broker = await startMosquitto();
      const request = {
        url: broker.url,
        clientId: "same",
        reconnect: { minDelayMs: 20, maxDelayMs: 60_000 },
      };
      await rig.open({ id: "first", ...request });
      await using events = await rig.app.events("/connections/first/events?types=waiting");
      await rig.open({ id: "second", ...request });
      const delays: number[] = [];
      while (delays.length < 5) delays.push((await events.next("waiting")).data.delayMs);
      assert.deepEqual(delays, [40, 80, 160, 320, 639]);
    },
    // At its upper end the delay shows the ceiling itself.
    { skip: needs("mosquitto"), overrides: { random: () => 0.999 } },
  );
});
