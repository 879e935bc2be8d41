import assert from "node:assert/strict";
import * as fc from "fast-check";
import { generate } from "mqtt-packet";
import { encodePlainPublish } from "../../src/broker/plain-publish.ts";
import { encodePublish, setPacketId } from "../../src/broker/publish-packet.ts";
import type { PublishMessage } from "../../src/mqtt/message.ts";
import { protocolLevel } from "../../src/mqtt/protocol-version.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

const versions = ["3.1", "3.1.1", "5"] as const;

/** The codec's word on the same message. */
function byTheCodec({ topic, payload, qos, retain }: PublishMessage, level: 3 | 4 | 5, id: number): Buffer {
  return generate(
    { cmd: "publish", topic, payload, qos, retain, dup: false, messageId: id },
    { protocolVersion: level },
  );
}

function plain(topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean): PublishMessage {
  return { topic: topic as TopicName, payload, qos, retain, properties: undefined };
}

describe("encodePlainPublish()", () => {
  it("PROPERTY: gives the codec's bytes, whatever the topic, payload, QoS and version", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(0 as const, 1 as const, 2 as const),
        fc.boolean(),
        fc.constantFrom(...versions),
        fc.integer({ min: 1, max: 65_535 }),
        (topic, payload, qos, retain, version, id) => {
          const message = plain(topic, Buffer.from(payload), qos, retain);
          const encoded = encodePublish(message, version);
          if (qos > 0) setPacketId(encoded, id);
          assert.deepEqual(encoded.bytes, byTheCodec(message, protocolLevel(version), id));
        },
      ),
      { numRuns: 500 },
    );
  });

  for (const edge of [0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000]) {
    it(`gives the codec's bytes about a remaining length of ${edge}`, () => {
      for (const length of [edge - 6, edge - 5, edge - 4]) {
        const message = plain("t", Buffer.alloc(length, 7), 0, false);
        const ours = encodePlainPublish(message, "5");
        assert.equal(ours.compare(byTheCodec(message, 5, 0)), 0);
      }
    });
  }
});
