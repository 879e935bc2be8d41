import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { generate } from "mqtt-packet";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import type { Script } from "../support/scripted-broker.ts";
import { describe } from "../support/test.ts";

/** Accepts the upgrade, and answers each chunk of bytes that comes after it with the next of `frames`. */
function upgrades(...frames: readonly Buffer[]): Script {
  return (peer) => {
    const left = [...frames];
    let request = "";
    peer.onBytes = (bytes) => {
      if (request.endsWith("\r\n\r\n")) {
        const frame = left.shift();
        if (frame !== undefined) peer.sendBytes(frame);
        return;
      }
      request += bytes.toString("latin1");
      if (request.endsWith("\r\n\r\n")) peer.sendBytes(accepting(request));
    };
  };
}

function accepting(request: string): string {
  const [, key] = /^sec-websocket-key: (\S+)/im.exec(request) ?? [];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Protocol: mqtt"];
  return `HTTP/1.1 101 OK\r\n${headers.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

const textMessage = Buffer.from([0x81, 2, 0x68, 0x69]);
const emptyFragment = Buffer.from([0x00, 0]);
const pings = Buffer.alloc(127 * 512, Buffer.from([0x89, 125, ...Buffer.alloc(125)]));
const broken = {
  "a text message": textMessage,
  "an opcode that does not exist": Buffer.from([0x83, 0]),
  "a message of 4 GiB": Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]),
  "reserved bits": Buffer.from([0xf2, 0]),
  "binary bytes that are not MQTT": Buffer.from([0x82, 2, 0xff, 0xff]),
  "a message of empty fragments without end": Buffer.concat([
    Buffer.from([0x02, 0]),
    ...Array<Buffer>(20_000).fill(emptyFragment),
  ]),
  "fragments with much else between them": Buffer.concat(
    Array<Buffer>(600)
      .fill(Buffer.concat([emptyFragment, pings]))
      .with(0, Buffer.from([0x02, 0])),
  ),
};

describe("S12: peers that break the WebSocket protocol", () => {
  for (const [name, frame] of Object.entries(broken)) {
    itHolds(`S12 ${name} instead of CONNACK: 502 broker-protocol-error`, async (rig) => {
      const broker = await rig.broker(upgrades(frame));
      const [answer, ms] = await timed(rig.open({ url: `ws://127.0.0.1:${broker.port}` }, "?wait=5"));
      assertProblem(answer, 502, "broker-protocol-error");
      // Of one of them megabytes come first.
      assert.ok(ms < 4_000, `${ms} ms`);
    });
  }

  itHolds("S12 a CONNACK in a thousand fragments is one", async (rig) => {
    const connack = generate(
      { cmd: "connack", reasonCode: 0, sessionPresent: false },
      { protocolVersion: 5 },
    );
    const frame = Buffer.concat([
      Buffer.from([0x02, 0]),
      ...Array<Buffer>(1_000).fill(emptyFragment),
      Buffer.from([0x80, connack.length]),
      connack,
    ]);
    const broker = await rig.broker(upgrades(frame));
    const opened = await rig.open({ id: "x", url: `ws://127.0.0.1:${broker.port}` });
    assert.equal(opened.status, 201, opened.text);
  });

  itHolds("S12 a text message after CONNACK: disconnected for that reason, and tried again", async (rig) => {
    const connack = generate(
      { cmd: "connack", reasonCode: 0, sessionPresent: false },
      { protocolVersion: 5 },
    );
    const frame = Buffer.concat([Buffer.from([0x82, connack.length]), connack]);
    // The second answers the SUBSCRIBE.
    const broker = await rig.broker(upgrades(frame, textMessage));
    const request = { id: "x", url: `ws://127.0.0.1:${broker.port}`, reconnect: { minDelayMs: 60_000 } };
    const opened = await rig.open({ ...request, subscriptions: [{ topicFilter: "a" }] });
    assert.equal(opened.status, 201, opened.text);
    await using events = await rig.app.events("/connections/x/events?lastEventId=earliest");
    const lost = await events.next("disconnected");
    assert.equal(lost.data.code, "broker-protocol-error");
    await events.next("waiting");
  });
});
