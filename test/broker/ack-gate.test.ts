import assert from "node:assert/strict";
import type { MqttClient } from "mqtt";
import { holdAcknowledgements } from "../../src/broker/ack-gate.ts";
import { describe, it } from "../support/test.ts";

describe("holdAcknowledgements()", () => {
  it("acknowledges nothing any more when something was not kept, in whatever order that is told", () => {
    const written: number[] = [];
    const kept = {
      arrived: 0,
      settled: 0,
      hasRoom: true,
      whenRoom: () => {},
      onSettled: (_kept: boolean) => {},
    };
    const client = { _sendPacket: () => {} };
    holdAcknowledgements(client as unknown as MqttClient, kept, (bytes) => written.push(bytes[3] ?? 0));
    const send = client._sendPacket as (packet: object) => void;
    for (const messageId of [1, 2]) {
      kept.arrived += 1;
      send({ cmd: "puback", messageId });
    }
    // The second is refused while it is not known yet what becomes of the first.
    kept.settled = 1;
    kept.onSettled(false);
    kept.settled = 2;
    kept.onSettled(true);
    send({ cmd: "puback", messageId: 3 });
    assert.deepEqual(written, []);
  });
});
