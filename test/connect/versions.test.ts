import assert from "node:assert/strict";
import { accepts, inTurn, knowsOnly311, refuses } from "../support/broker-scripts.ts";
import { dropsConnect } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const mosquitto = { skip: needs("mosquitto") };
const levels = { "3.1": 3, "3.1.1": 4, "5": 5 } as const;

function connectOf(peer: ScriptedPeer) {
  const [first] = peer.received;
  assert.ok(first?.cmd === "connect");
  return first;
}

describe("protocolVersion", () => {
  for (const protocolVersion of ["3.1", "3.1.1", "5"] as const) {
    itHolds(
      `${protocolVersion}: mosquitto accepts it, and the view says so`,
      async (rig) => {
        await using broker = await startMosquitto();
        const { status, body, text } = await rig.open({ url: broker.url, protocolVersion });
        assert.equal(status, 201, text);
        assert.equal(body.protocolVersion, protocolVersion);
        assert.equal(body.lastReason.protocolVersion, protocolVersion);
        assert.equal(body.lastReason.name, "Success");
        assert.equal(body.connack.reasonCode, 0);
        if (protocolVersion !== "5") assert.deepEqual(body.connack.properties, {});
        assert.equal((await rig.call("POST", `/connections/${body.id}/ping`)).status, 200);
        await broker.logged(
          new RegExp(`as ${body.clientId} \\(p${{ "3.1": 1, "3.1.1": 2, "5": 5 }[protocolVersion]}`),
        );
      },
      mosquitto,
    );

    itHolds(`${protocolVersion}: CONNECT has the protocol's name and level`, async (rig) => {
      const broker = await rig.broker(accepts());
      const { body } = await rig.open({ url: broker.url, protocolVersion });
      const connect = connectOf(await broker.connection(1));
      assert.equal(connect.protocolVersion, levels[protocolVersion]);
      assert.equal(connect.protocolId, protocolVersion === "3.1" ? "MQIsdp" : "MQTT");
      assert.equal(connect.clientId, body.clientId);
      assert.match(
        connect.clientId,
        protocolVersion === "3.1" ? /^connack-[0-9a-z]{15}$/ : /^connack-[0-9a-z]{16}$/,
      );
    });
  }
});

describe('protocolVersion "auto"', () => {
  itHolds(
    "is 5 with a broker that speaks it",
    async (rig) => {
      await using broker = await startMosquitto();
      const { body } = await rig.open({ url: broker.url, protocolVersion: "auto" });
      assert.equal(body.protocolVersion, "5");
      assert.equal(body.request.protocolVersion, "auto");
    },
    mosquitto,
  );

  itHolds("stays at 3.1.1 when it reconnects", async (rig) => {
    const broker = await rig.broker(knowsOnly311());
    const reconnect = { minDelayMs: 10, maxDelayMs: 20 };
    const { body } = await rig.open({ id: "old", url: broker.url, protocolVersion: "auto", reconnect });
    assert.equal(body.protocolVersion, "3.1.1");
    assert.equal(body.attempts.total, 1);
    await using events = await rig.app.events("/connections/old/events");
    (await broker.connection(2)).reset();
    await events.next("connected");
    assert.equal(broker.peers.length, 3);
    assert.equal(connectOf(broker.peers[2]!).protocolVersion, 4);
  });

  itHolds("falls back on 0x84, too", async (rig) => {
    const broker = await rig.broker(inTurn(refuses(0x84), accepts()));
    const { body } = await rig.open({ url: broker.url, protocolVersion: "auto" });
    assert.equal(body.protocolVersion, "3.1.1");
  });

  for (const how of ["end", "reset"] as const) {
    itHolds(`falls back once when the broker closes before CONNACK (${how})`, async (rig) => {
      const broker = await rig.broker(inTurn(dropsConnect(how), accepts()));
      const { body, text } = await rig.open({ url: broker.url, protocolVersion: "auto" });
      assert.equal(body.protocolVersion, "3.1.1", text);
      assert.equal(broker.peers.length, 2);
    });

    itHolds(`falls back no more than once (${how})`, async (rig) => {
      const broker = await rig.broker(dropsConnect(how));
      const answer = await rig.open({ url: broker.url, protocolVersion: "auto" });
      assertProblem(answer, 502, how === "end" ? "broker-closed" : "connection-reset");
      assert.deepEqual(
        broker.peers.map((peer) => connectOf(peer).protocolVersion),
        [5, 4],
      );
    });
  }

  itHolds("does not fall back on another refusal", async (rig) => {
    const broker = await rig.broker(refuses(0x87));
    assertProblem(await rig.open({ url: broker.url, protocolVersion: "auto" }), 502, "broker-refused");
    assert.equal(broker.peers.length, 1);
  });

  for (const [name, fields] of [
    ["properties", { properties: { receiveMaximum: 10 } }],
    ["will properties", { will: { topic: "a", payload: "", properties: { contentType: "text/plain" } } }],
    ["subscription options", { subscriptions: [{ topicFilter: "a", noLocal: true }] }],
  ] as const) {
    itHolds(`does not fall back where the request has ${name}, which 3.1.1 would lose`, async (rig) => {
      const broker = await rig.broker(knowsOnly311());
      const answer = await rig.open({ url: broker.url, protocolVersion: "auto", ...fields });
      assertProblem(answer, 502, "broker-refused");
      assert.equal(broker.peers.length, 1);
    });
  }
});
