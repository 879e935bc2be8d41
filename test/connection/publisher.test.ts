import assert from "node:assert/strict";
import { parser, type IPublishPacket } from "mqtt-packet";
import type { Client } from "../../src/broker/client.ts";
import { Outgoing } from "../../src/broker/outgoing.ts";
import type { PublishAck } from "../../src/broker/session-state.ts";
import { type Published, Publisher, type PublishLimits } from "../../src/connection/publisher.ts";
import { initialMachine, type Machine } from "../../src/connection/state.ts";
import { negotiate } from "../../src/mqtt/properties.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { Problem } from "../../src/problem.ts";
import { describe, it } from "../support/test.ts";

const roomy: PublishLimits = { maxInflight: 100, maxInflightBytes: 1_000_000, sendQuota: 100 };
const policy = { enabled: true, minDelayMs: 1, maxDelayMs: 1, maxAttempts: null };
const established = {
  connack: { sessionPresent: false, reasonCode: 0, properties: {} },
  protocolVersion: "5",
  clientId: "c",
  address: "127.0.0.1",
} as const;

/** A network connection that notes what goes out, and takes it as long as `backlog` is low. */
class Wire {
  readonly sent: IPublishPacket[] = [];
  backlog = 0;
  #drained: () => void = () => {};
  readonly #parser = parser({ protocolVersion: 5 });

  constructor() {
    this.#parser.on("packet", (packet) => packet.cmd === "publish" && this.sent.push(packet));
  }

  get texts(): string[] {
    return this.sent.map(({ payload }) => payload.toString());
  }
  sendPublish(bytes: Buffer): void {
    this.#parser.parse(bytes);
  }
  sendPubrel(): void {}
  onDrain(listener: () => void): void {
    this.#drained = listener;
  }
  drain(): void {
    this.backlog = 0;
    this.#drained();
  }
}

function rig(limits: Partial<PublishLimits> = {}, connack: Record<string, number> = {}) {
  const negotiated = negotiate({ keepAlive: 60, sessionExpiryInterval: 0 }, connack);
  let machine: Machine = {
    ...initialMachine(policy, true, 0),
    state: { name: "connected", since: 0, attempt: 1, established, negotiated },
  };
  let now = 0;
  const clock = { wall: () => now, monotonic: () => now };
  const outgoing: Outgoing = new Outgoing(() => publisher.pump());
  const publisher = new Publisher(outgoing, { ...roomy, ...limits }, () => machine, clock);
  const wire = new Wire();
  publisher.begin(wire as unknown as Client, negotiated, false);
  const results: string[] = [];
  const message = (text: string, qos: 0 | 1 | 2) => ({
    topic: "t" as TopicName,
    payload: Buffer.from(text),
    qos,
    retain: false,
    properties: undefined,
  });
  const told = (text: string) => (result: Published | Problem) => {
    if (result instanceof Problem) results.push(`${text}: ${result.code}`);
    else results.push(`${text}: ${result.acknowledgement?.reasonName ?? "sent"}`);
  };
  return {
    publisher,
    wire,
    results,
    message,
    advance: (ms: number) => (now += ms),
    submit: (text: string, qos: 0 | 1 | 2 = 1) => publisher.submit(message(text, qos), told(text)),
    /** Acknowledges the message that went out with this text. */
    acknowledge: (text: string, packet: PublishAck["packet"] = "puback", reasonCode = 0) => {
      const packetId = wire.sent.find(({ payload }) => payload.toString() === text)?.messageId ?? 0;
      assert.ok(outgoing.acknowledge({ packet, packetId, reasonCode, reasonString: null }));
    },
    lose: () => {
      machine = { ...machine, state: { name: "connecting", since: 0, attempt: 2 } };
      publisher.end();
    },
  };
}

describe("Publisher", () => {
  it("sends QoS 1 and 2 in the order of the calls, as many as the quota lets out", () => {
    const { wire, results, submit, acknowledge, publisher } = rig({ sendQuota: 2 });
    for (const text of ["1", "2", "3", "4", "5"]) submit(text, text === "2" ? 2 : 1);
    assert.deepEqual([wire.texts, publisher.waiting], [["1", "2"], 3]);
    acknowledge("2", "pubrec");
    assert.deepEqual(wire.texts, ["1", "2"]);
    acknowledge("2", "pubcomp");
    assert.deepEqual(wire.texts, ["1", "2", "3"]);
    acknowledge("1");
    acknowledge("3", "puback", 0x10);
    assert.deepEqual([wire.texts, publisher.waiting], [["1", "2", "3", "4", "5"], 0]);
    assert.deepEqual(results, ["2: Success", "1: Success", "3: No matching subscribers"]);
  });

  it("keeps to the broker's Receive Maximum where that is less", () => {
    const { wire, submit } = rig({ sendQuota: 5 }, { receiveMaximum: 1 });
    for (const text of ["1", "2"]) submit(text);
    assert.deepEqual(wire.texts, ["1"]);
  });

  it("does not hold up QoS 0 by QoS 1, but by the network alone, and then in its own order", () => {
    const { wire, results, submit } = rig({ sendQuota: 1 });
    for (const text of ["1", "2"]) submit(text);
    submit("a", 0);
    assert.deepEqual([wire.texts, results], [["1", "a"], ["a: sent"]]);
    wire.backlog = 2_000_000;
    submit("b", 0);
    // There is room again, and nobody has said so yet.
    wire.backlog = 0;
    submit("c", 0);
    assert.deepEqual(wire.texts, ["1", "a"]);
    wire.drain();
    assert.deepEqual(
      [wire.texts, results.slice(1)],
      [
        ["1", "a", "b", "c"],
        ["b: sent", "c: sent"],
      ],
    );
  });

  it("tells of a refusal, by the code of the acknowledgement", () => {
    const { results, submit, acknowledge } = rig();
    for (const [text, code] of [
      ["1", 0x87],
      ["2", 0x90],
      ["3", 0x97],
      ["4", 0x80],
    ] as const) {
      submit(text);
      acknowledge(text, "puback", code);
    }
    assert.deepEqual(results, [
      "1: broker-not-authorized",
      "2: broker-topic-refused",
      "3: broker-quota-exceeded",
      "4: broker-rejected",
    ]);
  });

  it("cancel() takes back what waits, and leaves what has been sent; neither is told of any more", () => {
    const { wire, results, submit, acknowledge, publisher } = rig({ sendQuota: 1 });
    const [sent, waits] = [submit("1"), submit("2"), submit("3")] as const;
    assert.deepEqual([sent.cancel(), waits.cancel(), publisher.waiting], [true, false, 1]);
    acknowledge("1");
    assert.deepEqual([wire.texts, results], [["1", "3"], []]);
    acknowledge("3");
    assert.deepEqual(results, ["3: Success"]);
  });

  it("refuses more than may be under way, by number and by bytes, and takes more when there is room", () => {
    const few = rig({ maxInflight: 2, sendQuota: 1 });
    for (const text of ["1", "2", "3"]) few.submit(text);
    assert.deepEqual(few.results, ["3: limit-reached"]);
    few.acknowledge("1");
    few.submit("4");
    assert.deepEqual(few.results, ["3: limit-reached", "1: Success"]);

    const small = rig({ maxInflightBytes: 1_000, sendQuota: 1 });
    const large = "x".repeat(600);
    const waiting = [small.submit("1"), small.submit(large)][1];
    small.submit(large);
    assert.deepEqual(small.results, [`${large}: limit-reached`]);
    waiting?.cancel();
    small.submit(large);
    assert.equal(small.results.length, 1);
  });

  it("without a connection: nothing is sent, what waited is told, and what is in flight is not lost yet", () => {
    const { wire, results, submit, lose, publisher } = rig({ sendQuota: 1 });
    for (const text of ["1", "2"]) submit(text);
    lose();
    assert.deepEqual(results, ["2: temporarily-not-connected"]);
    submit("3");
    assert.deepEqual(results.slice(1), ["3: temporarily-not-connected"]);
    assert.deepEqual([wire.texts, publisher.waiting], [["1"], 0]);
  });

  it("publish() counts the time from the call, and says on time-out whether the message went out", async () => {
    const { publisher, message, acknowledge, advance } = rig({ sendQuota: 1 });
    const { signal } = new AbortController();
    const first = publisher.publish(message("1", 1), 1_000, { signal });
    await assert.rejects(publisher.publish(message("2", 1), 20, { signal }), (error: Problem) => {
      assert.deepEqual([error.code, error.details.duplicatePossible], ["acknowledgement-timeout", false]);
      return true;
    });
    advance(7);
    acknowledge("1");
    assert.equal((await first).acknowledgement?.ms, 7);
    await assert.rejects(publisher.publish(message("3", 1), 20, { signal }), (error: Problem) => {
      assert.deepEqual([error.code, error.details.duplicatePossible], ["acknowledgement-timeout", true]);
      return true;
    });
  });

  it("publish() does not send what its caller has left before there was room", async () => {
    const { publisher, message, wire, acknowledge, submit } = rig({ sendQuota: 1 });
    submit("1");
    const controller = new AbortController();
    const waits = publisher.publish(message("2", 1), 10_000, controller);
    controller.abort();
    await assert.rejects(waits, Problem);
    acknowledge("1");
    assert.deepEqual(wire.texts, ["1"]);
  });
});
