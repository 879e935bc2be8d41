import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Outgoing, type Delivery, type Wire } from "../../src/broker/outgoing.ts";
import { encodePublish } from "../../src/broker/publish-packet.ts";
import type { PublishAck } from "../../src/broker/session-state.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

interface Sent {
  readonly packet: "publish" | "pubrel";
  readonly id: number;
  readonly dup: boolean;
  readonly payload: string;
  readonly reasonCode: number;
}

/** Notes what goes out on one network connection. */
class Recorder implements Wire {
  readonly sent: Sent[] = [];

  sendPublish(bytes: Buffer): void {
    const topicLength = bytes.readUInt16BE(2);
    const idAt = 4 + topicLength;
    this.sent.push({
      packet: "publish",
      id: bytes.readUInt16BE(idAt),
      dup: ((bytes[0] ?? 0) & 0x08) !== 0,
      // Version 5 has a byte for the length of the properties.
      payload: bytes.subarray(idAt + 3).toString(),
      reasonCode: 0,
    });
  }

  sendPubrel(id: number, reasonCode: number): void {
    this.sent.push({ packet: "pubrel", id, dup: false, payload: "", reasonCode });
  }
}

const encode = (text: string, qos: 1 | 2) =>
  encodePublish(
    { topic: "t" as TopicName, payload: Buffer.from(text), qos, retain: false, properties: undefined },
    "5",
  );
const ack = (packet: PublishAck["packet"], packetId: number, reasonCode = 0): PublishAck => ({
  packet,
  packetId,
  reasonCode,
  reasonString: null,
});
const nobody = () => {};

describe("Outgoing", () => {
  it("gives packet identifiers in turn, and writes them into the packets", () => {
    const wire = new Recorder();
    const outgoing = new Outgoing(nobody);
    outgoing.begin(wire, 10, false);
    outgoing.send(encode("a", 1), 1, nobody);
    outgoing.acknowledge(ack("puback", 1));
    outgoing.send(encode("b", 1), 1, nobody);
    assert.deepEqual(
      wire.sent.map(({ id, payload }) => [id, payload]),
      [
        [1, "a"],
        [2, "b"],
      ],
    );
  });

  it("answers no more stray PUBREC on a network connection than there are packet identifiers", () => {
    const outgoing = new Outgoing(nobody);
    for (const known of [false, true]) {
      const wire = new Recorder();
      outgoing.begin(wire, 10, true);
      if (known) {
        outgoing.send(encode("a", 2), 2, nobody);
        outgoing.acknowledge(ack("pubrec", 1));
      }
      const before = wire.sent.length;
      for (let n = 0; n < 65_535; n += 1) assert.equal(outgoing.acknowledge(ack("pubrec", 1)), true);
      assert.equal(outgoing.acknowledge(ack("pubrec", 1)), false);
      assert.equal(wire.sent.length, before + 65_535);
    }
  });

  it("answers PUBREC of what it does not know with PUBREL 0x92, and nothing else", () => {
    const wire = new Recorder();
    const outgoing = new Outgoing(nobody);
    outgoing.begin(wire, 10, false);
    assert.equal(outgoing.acknowledge(ack("pubrec", 7)), true);
    assert.equal(outgoing.acknowledge(ack("puback", 7)), true);
    assert.equal(outgoing.acknowledge(ack("pubrec", 7, 0x91)), true);
    assert.deepEqual(
      wire.sent.map(({ packet, reasonCode }) => [packet, reasonCode]),
      [["pubrel", 0x92]],
    );
  });

  for (const [qos, packet] of [
    [1, "pubrec"],
    [1, "pubcomp"],
    [2, "puback"],
    [2, "pubcomp"],
  ] as const) {
    it(`calls ${packet} for a QoS ${qos} PUBLISH a protocol error`, () => {
      const outgoing = new Outgoing(nobody);
      outgoing.begin(new Recorder(), 10, false);
      outgoing.send(encode("a", qos), qos, nobody);
      assert.equal(outgoing.acknowledge(ack(packet, 1)), false);
    });
  }

  it("has the word of PUBREC on who gets the message, and of PUBCOMP on the end", () => {
    const outgoing = new Outgoing(nobody);
    outgoing.begin(new Recorder(), 10, false);
    const results: Delivery[] = [];
    outgoing.send(encode("a", 2), 2, (result) => results.push(result));
    outgoing.send(encode("b", 2), 2, (result) => results.push(result));
    outgoing.acknowledge(ack("pubrec", 1, 0x10));
    outgoing.acknowledge(ack("pubcomp", 1));
    outgoing.acknowledge(ack("pubrec", 2, 0x10));
    outgoing.acknowledge(ack("pubcomp", 2, 0x92));
    assert.deepEqual(results, [ack("pubcomp", 1, 0x10), ack("pubcomp", 2, 0x92)]);
  });

  it("does not send again what a topic alias stood for without the name, nor the alias", () => {
    const properties = { topicAlias: 3 };
    const message = {
      topic: "t" as TopicName,
      payload: Buffer.from("x"),
      qos: 1,
      retain: false,
      properties,
    } as const;
    const first = new Recorder();
    const second = new Recorder();
    const outgoing = new Outgoing(nobody);
    outgoing.begin(first, 10, false);
    outgoing.send(encodePublish(message, "5"), 1, nobody);
    outgoing.end();
    outgoing.begin(second, 10, true);
    assert.deepEqual(
      second.sent.map(({ dup, payload }) => [dup, payload]),
      [[true, "x"]],
    );
  });

  it("PROPERTY: keeps to the quota, resends in order with DUP, and answers each caller once", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("send" as const), qos: fc.constantFrom(1 as const, 2 as const) }),
      fc.record({ do: fc.constant("ack" as const), pick: fc.nat() }),
      fc.record({
        do: fc.constant("reconnect" as const),
        quota: fc.integer({ min: 1, max: 4 }),
        present: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => new Run().all(steps)),
      { numRuns: 500 },
    );
  });
});

type Step =
  | { do: "send"; qos: 1 | 2 }
  | { do: "ack"; pick: number }
  | { do: "reconnect"; quota: number; present: boolean };

/** A broker that answers now and then, and what it must never see. */
class Run {
  readonly #outgoing = new Outgoing(nobody);
  #wire = new Recorder();
  #quota = 3;
  #count = 0;
  readonly #answers = new Map<string, number>();
  /** Not answered yet, in the order of sending. */
  #open: { readonly name: string; readonly qos: 1 | 2; received: boolean }[] = [];

  all(steps: readonly Step[]): void {
    this.#outgoing.begin(this.#wire, this.#quota, false);
    for (const step of steps) {
      if (step.do === "send") this.#send(step.qos);
      else if (step.do === "ack") this.#ack(step.pick);
      else this.#reconnect(step.quota, step.present);
      assert.ok(this.#unacknowledged() <= this.#quota);
      assert.equal(this.#outgoing.size, this.#open.length);
    }
    this.#outgoing.lose();
    for (let i = 1; i <= this.#count; i += 1) assert.equal(this.#answers.get(`m${i}`), 1);
  }

  #send(qos: 1 | 2): void {
    if (this.#outgoing.room <= 0) return;
    this.#count += 1;
    const name = `m${this.#count}`;
    this.#open.push({ name, qos, received: false });
    this.#outgoing.send(encode(name, qos), qos, () =>
      this.#answers.set(name, (this.#answers.get(name) ?? 0) + 1),
    );
    assert.deepEqual([this.#wire.sent.at(-1)?.payload, this.#wire.sent.at(-1)?.dup], [name, false]);
  }

  /** What the broker has got on this network connection and not answered whole. */
  #awaited(): { readonly id: number; readonly name: string }[] {
    const names = new Map<number, string>();
    for (const { packet, id, payload } of this.#wire.sent) if (packet === "publish") names.set(id, payload);
    return [...names].flatMap(([id, name]) =>
      this.#open.some((each) => each.name === name) ? [{ id, name }] : [],
    );
  }

  #unacknowledged(): number {
    return this.#awaited().length;
  }

  #ack(pick: number): void {
    const awaited = this.#awaited();
    const chosen = awaited[pick % Math.max(1, awaited.length)];
    const open = this.#open.find(({ name }) => name === chosen?.name);
    if (chosen === undefined || open === undefined) return;
    const close = () => {
      this.#open = this.#open.filter((each) => each !== open);
    };
    if (open.qos === 2 && !open.received) {
      open.received = true;
      assert.ok(this.#outgoing.acknowledge(ack("pubrec", chosen.id)));
      assert.deepEqual([this.#wire.sent.at(-1)?.packet, this.#wire.sent.at(-1)?.id], ["pubrel", chosen.id]);
      return;
    }
    close();
    assert.ok(this.#outgoing.acknowledge(ack(open.qos === 1 ? "puback" : "pubcomp", chosen.id)));
  }

  #reconnect(quota: number, present: boolean): void {
    this.#outgoing.end();
    this.#wire = new Recorder();
    this.#quota = quota;
    if (!present) this.#open = [];
    const again = this.#open.filter(({ received }) => !received).map(({ name }) => name);
    this.#outgoing.begin(this.#wire, quota, present);
    const publishes = this.#wire.sent.filter(({ packet }) => packet === "publish");
    assert.ok(publishes.every(({ dup }) => dup));
    assert.deepEqual(
      publishes.map(({ payload }) => payload),
      again.slice(0, publishes.length),
    );
    assert.equal(this.#wire.sent.length, Math.min(quota, this.#open.length));
  }
}
