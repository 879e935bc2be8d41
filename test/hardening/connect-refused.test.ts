import assert from "node:assert/strict";
import { accepts, inTurn, knowsOnly311, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

type Row = readonly [version: "5" | "3.1.1" | "3.1", code: number, name: string];

/** S05, S07 and S09, and what else the contract lists as permanent. */
const permanent: readonly Row[] = [
  ["5", 0x86, "Bad User Name or Password"],
  ["5", 0x87, "Not authorized"],
  ["3.1.1", 4, "Bad User Name or Password"],
  ["3.1.1", 5, "Not authorized"],
  ["3.1", 5, "Not authorized"],
  ["5", 0x85, "Client Identifier not valid"],
  ["3.1.1", 2, "Client Identifier not valid"],
  ["3.1.1", 1, "Unsupported Protocol Version"],
  ["5", 0x81, "Malformed Packet"],
  ["5", 0x82, "Protocol Error"],
  ["5", 0x83, "Implementation specific error"],
  ["5", 0x84, "Unsupported Protocol Version"],
  ["5", 0x8a, "Banned"],
  ["5", 0x8c, "Bad authentication method"],
  ["5", 0x90, "Topic Name invalid"],
  ["5", 0x95, "Packet too large"],
  ["5", 0x99, "Payload format invalid"],
  ["5", 0x9a, "Retain not supported"],
  ["5", 0x9b, "QoS not supported"],
  ["5", 0x9c, "Use another server"],
  ["5", 0x9d, "Server moved"],
];

const busy: readonly Row[] = [
  ["5", 0x88, "Server unavailable"],
  ["5", 0x89, "Server busy"],
  ["5", 0x97, "Quota exceeded"],
  ["5", 0x9f, "Connection rate exceeded"],
  ["3.1.1", 3, "Server unavailable"],
];

const shown = (code: number) => (code < 0x80 ? String(code) : `0x${code.toString(16).toUpperCase()}`);

describe("S05, S07: a refusal that stays", () => {
  for (const [protocolVersion, code, name] of permanent) {
    itHolds(
      `S05 ${protocolVersion} CONNACK ${shown(code)}: 502 broker-refused with code, version and name`,
      async (rig) => {
        const broker = await rig.broker(refuses(code));
        const answer = await rig.open({ url: broker.url, protocolVersion });
        assertProblem(answer, 502, "broker-refused");
        assert.equal(answer.body.retryable, false);
        assert.equal(answer.headers.get("retry-after"), null);
        assert.equal(answer.body.stage, "connack");
        assert.ok(answer.body.hint.length > 0);
        assert.deepEqual(answer.body.mqtt, {
          packet: "connack",
          reasonCode: code,
          reasonName: name,
          reasonString: null,
          serverReference: null,
          protocolVersion,
        });
        assert.equal(broker.peers.length, 1);
      },
    );
  }

  itHolds("S05 asynchronously: state failed, badConnection, and no further attempt", async (rig) => {
    const broker = await rig.broker(refuses(0x87, { reasonString: "not on the list" }));
    const request = { id: "out", url: broker.url, reconnect: { minDelayMs: 10, maxDelayMs: 10 } };
    assert.equal((await rig.open(request, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/out/events?lastEventId=earliest");
    const refused = await events.next("refused");
    assert.equal(refused.data.reasonCode, 0x87);
    const failed = await events.next("failed");
    assert.equal(failed.data.why, "permanent");
    assert.equal(failed.data.flags.badConnection, true);
    const { body } = await rig.call("GET", "/connections/out");
    assert.equal(body.state, "failed");
    assert.equal(body.flags.badConnection, true);
    assert.equal(body.flags.reconnecting, false);
    assert.equal(body.lastReasonCode, 0x87);
    assert.equal(body.lastReason.name, "Not authorized");
    assert.equal(body.lastReason.text, "not on the list");
    assert.equal(body.lastReason.from, "broker");
    assert.equal(body.attempts.total, 1);
    assert.equal(body.attempts.nextAt, null);
    assert.equal(broker.peers.length, 1);
  });

  itHolds("S05 reads a refusal whose properties are many, and shows its reason string", async (rig) => {
    const properties = { reasonString: "who are you?", userProperties: { a: "1" }, serverKeepAlive: 7 };
    const broker = await rig.broker(refuses(0x86, properties));
    const answer = await rig.open({ url: broker.url });
    assert.equal(answer.body.mqtt.reasonString, "who are you?");
  });
});

describe("S06: a broker that is busy", () => {
  for (const [protocolVersion, code, reasonName] of busy) {
    itHolds(
      `S06 ${protocolVersion} CONNACK ${shown(code)}: 503 broker-unavailable with Retry-After`,
      async (rig) => {
        const broker = await rig.broker(refuses(code));
        const answer = await rig.open({ url: broker.url, protocolVersion });
        assertProblem(answer, 503, "broker-unavailable");
        assert.equal(answer.body.retryable, true);
        assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
        assert.equal(answer.body.mqtt.reasonCode, code);
        assert.equal(answer.body.mqtt.reasonName, reasonName);
      },
    );
  }

  itHolds("S06 asynchronously: it is tried again, and connects", async (rig) => {
    const broker = await rig.broker(inTurn(refuses(0x88), refuses(0x97), accepts()));
    const request = { id: "busy", url: broker.url, reconnect: { minDelayMs: 10, maxDelayMs: 20 } };
    assert.equal((await rig.open(request, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/busy/events?lastEventId=earliest");
    assert.equal((await events.next("connected")).data.attempt, 3);
    const types = events.seen.map(({ type }) => type).filter((type) => type !== "snapshot");
    const once = ["connecting", "refused", "waiting"];
    assert.deepEqual(types, [...once, ...once, "connecting", "connected"]);
  });
});

describe("S08: version 5 offered to a 3.1.1-only broker", () => {
  itHolds("S08 version 5: 502 with a hint", async (rig) => {
    const broker = await rig.broker(knowsOnly311());
    const answer = await rig.open({ url: broker.url });
    assertProblem(answer, 502, "broker-refused");
    assert.equal(answer.body.mqtt.reasonCode, 1);
    assert.match(answer.body.hint, /auto/);
  });

  itHolds('S08 "auto" connects with 3.1.1 and says so', async (rig) => {
    const broker = await rig.broker(knowsOnly311());
    const answer = await rig.open({ url: broker.url, protocolVersion: "auto" });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.body.protocolVersion, "3.1.1");
    assert.equal(broker.peers.length, 2);
  });
});

describe("S09: a refusal with a server reference", () => {
  for (const code of [0x9c, 0x9d]) {
    itHolds(`S09 CONNACK ${shown(code)}: 502, the reference is shown and not followed`, async (rig) => {
      const other = await rig.broker(accepts());
      const serverReference = `127.0.0.1:${other.port}`;
      const broker = await rig.broker(refuses(code, { serverReference }));
      const answer = await rig.open({ url: broker.url });
      assertProblem(answer, 502, "broker-refused");
      assert.equal(answer.body.mqtt.serverReference, serverReference);
      assert.equal(other.peers.length, 0);
      assert.equal(broker.peers.length, 1);
    });
  }
});

describe("S10: a broker with limits", () => {
  itHolds("S10 201, and negotiated shows them", async (rig) => {
    const broker = await rig.broker(
      accepts({
        receiveMaximum: 2,
        maximumPacketSize: 256,
        maximumQoS: 1,
        retainAvailable: false,
        serverKeepAlive: 17,
        assignedClientIdentifier: "given-by-broker",
      }),
    );
    const { status, body, text } = await rig.open({ url: broker.url, clientId: "" });
    assert.equal(status, 201, text);
    assert.equal(body.clientId, "given-by-broker");
    const { receiveMaximum, maximumPacketSize, maximumQoS, retainAvailable, keepAlive } = body.negotiated;
    assert.deepEqual(
      { receiveMaximum, maximumPacketSize, maximumQoS, retainAvailable, keepAlive },
      { receiveMaximum: 2, maximumPacketSize: 256, maximumQoS: 1, retainAvailable: false, keepAlive: 17 },
    );
    assert.equal(body.connack.properties.maximumQoS, 1);
  });
});
