import assert from "node:assert/strict";
import * as fc from "fast-check";
import { generate, type Packet } from "mqtt-packet";
import { Guard } from "../../src/broker/guard.ts";
import { describe, it } from "../support/test.ts";

const connack = generate({ cmd: "connack", reasonCode: 0, sessionPresent: false }, { protocolVersion: 5 });
const mib = 1_048_576;

function verdict(chunks: readonly Uint8Array[], maxPacketBytes = mib) {
  const guard = new Guard(maxPacketBytes);
  for (const chunk of chunks) {
    const violation = guard.inspect(chunk);
    if (violation !== null) return violation;
  }
  return null;
}

const codeOf = (...bytes: number[]) => verdict([Buffer.from(bytes)])?.reasonCode ?? null;
const after = (...bytes: number[]) => verdict([connack, Buffer.from(bytes)])?.reasonCode ?? null;

const publish = {
  cmd: "publish",
  topic: "t",
  payload: "x",
  qos: 1,
  messageId: 1,
  dup: false,
  retain: true,
} as const;
/** Of each type that a broker sends, one. */
const packets: readonly Packet[] = [
  publish,
  { ...publish, qos: 0, payload: Buffer.alloc(300) },
  { ...publish, qos: 2, dup: true, properties: { topicAlias: 3 } },
  { cmd: "puback", messageId: 1 },
  { cmd: "puback", messageId: 1, reasonCode: 0x87, properties: { reasonString: "no" } },
  { cmd: "pubrec", messageId: 1 },
  { cmd: "pubrel", messageId: 1 },
  { cmd: "pubcomp", messageId: 1 },
  { cmd: "suback", messageId: 1, granted: [0, 1, 0x80] },
  { cmd: "unsuback", messageId: 1, granted: [0] },
  { cmd: "pingresp" },
  { cmd: "disconnect", reasonCode: 0x8e },
  { cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "m" } },
];
const versions = [4, 5];

describe("Guard", () => {
  for (const protocolVersion of versions) {
    it(`takes every packet that a broker may send (protocol level ${protocolVersion})`, () => {
      for (const packet of packets) {
        if (protocolVersion === 4 && (packet.cmd === "auth" || packet.cmd === "disconnect")) continue;
        const first = generate(
          { cmd: "connack", reasonCode: 0, returnCode: 0, sessionPresent: false },
          { protocolVersion },
        );
        assert.equal(verdict([first, generate(packet, { protocolVersion })]), null, packet.cmd);
      }
    });
  }

  const refused: readonly (readonly [string, number | null, number | null])[] = [
    ["a packet of type 0", after(0x00, 0), 0x81],
    ["CONNECT", after(0x10, 0), 0x81],
    ["SUBSCRIBE", after(0x82, 0), 0x81],
    ["UNSUBSCRIBE", after(0xa2, 0), 0x81],
    ["PINGREQ", after(0xc0, 0), 0x81],
    ["PUBLISH with QoS 3", after(0x36, 5), 0x81],
    ["PUBREL without its flag", after(0x60, 2, 0, 1), 0x81],
    ["SUBACK with a flag", after(0x91, 3, 0, 1, 0), 0x81],
    ["PUBACK with one byte", after(0x40, 1, 0), 0x81],
    ["PINGRESP with a body", after(0xd0, 1, 0), 0x81],
    ["a length of five bytes", after(0x30, 0x80, 0x80, 0x80, 0x80, 1), 0x81],
    ["a second CONNACK", after(...connack), 0x82],
    ["PUBLISH before CONNACK", codeOf(0x30, 3, 0, 1, 0x61), 0x82],
    ["PINGRESP before CONNACK", codeOf(0xd0, 0), 0x82],
    ["a packet over the limit", after(0x30, 0xff, 0xff, 0xff, 0x7f), 0x95],
  ];
  for (const [what, code, expected] of refused) {
    it(`refuses ${what} with 0x${expected?.toString(16)}`, () => assert.equal(code, expected));
  }

  it("takes AUTH before CONNACK, which is for others to refuse", () => assert.equal(codeOf(0xf0, 0), null));

  it("says of a first answer that cannot be MQTT that it is not", () => {
    for (const text of [
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n",
      "\u0015\u0003\u0003\u0000\u0002\u0002F",
    ])
      assert.equal(verdict([Buffer.from(text, "latin1")])?.kind, "not-mqtt", text);
  });

  it("notices a packet that is too large by its first bytes, and the limit is the largest that is taken", () => {
    const ofLength = (total: number) =>
      verdict([connack, Buffer.from([0x30, total - 2]), Buffer.alloc(total - 2)], 100);
    assert.equal(ofLength(100), null);
    assert.deepEqual([ofLength(101)?.kind, ofLength(101)?.reasonCode], ["too-large", 0x95]);
  });

  it("shows none of the peer's bytes in what it says", () => {
    const detail = verdict([Buffer.from("SECRET-BANNER")])?.detail ?? "";
    assert.doesNotMatch(detail, /SECRET|BANNER/);
  });
});

describe("Guard, whatever the bytes", () => {
  const stream = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.array(fc.constantFrom(...packets), { maxLength: 8 }), fc.uint8Array({ maxLength: 8 }))
      .map(([all, tail]) =>
        Buffer.concat([connack, ...all.map((p) => generate(p, { protocolVersion: 5 })), tail]),
      ),
  );

  it("comes to the same verdict however they are split", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 30 }), (bytes, cuts) => {
        const places = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const chunks = places.slice(0, -1).map((from, i) => bytes.subarray(from, places[i + 1]));
        assert.deepEqual(verdict(chunks, 250), verdict([bytes], 250));
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds nothing wrong with any sequence of well-formed packets", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...packets)), (all) => {
        assert.equal(verdict([connack, ...all.map((p) => generate(p, { protocolVersion: 5 }))]), null);
      }),
    );
  });

  it("a packet in as many pieces as it has bytes is refused, and one in pieces of 256 bytes is not", () => {
    const large = generate({ ...publish, payload: Buffer.alloc(mib - 64) });
    const inPieces = (bytes: number) =>
      Array.from({ length: Math.ceil(large.length / bytes) }, (_, n) =>
        large.subarray(n * bytes, (n + 1) * bytes),
      );
    assert.equal(verdict([connack, ...inPieces(256), ...inPieces(256)]), null);
    assert.deepEqual(verdict([connack, ...inPieces(1)]), {
      kind: "protocol",
      reasonCode: 0x83,
      detail: "The broker sent a packet in more than 4096 pieces",
    });
  });

  it("small packets may come in any number of pieces", () => {
    const small = generate({ ...publish, payload: Buffer.alloc(900) });
    const pieces = Array.from(small, (byte) => Uint8Array.of(byte));
    assert.equal(verdict([connack, ...pieces, ...pieces, ...pieces], 1_024), null);
  });
});
