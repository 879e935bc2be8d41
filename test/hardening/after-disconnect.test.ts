import assert from "node:assert/strict";
import { generate } from "mqtt-packet";
import { sendConnack } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { acknowledge, message } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import { openScripted } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

/** Accepts, and leaves the network connection open after DISCONNECT. */
const staysOpen =
  (properties: object = {}): Script =>
  async (peer) => {
    await peer.next("connect");
    peer.answer("pingreq", () => peer.send({ cmd: "pingresp" }));
    sendConnack(peer, 0, properties);
  };

describe("S40: behind our DISCONNECT", () => {
  itHolds("S40: what came with a packet that breaks the protocol is not acknowledged unread", async (rig) => {
    const { peer } = await openScripted(rig, staysOpen());
    const packets = [
      message("good", "1", { qos: 1, messageId: 1 }),
      message("wild/#", "2", { qos: 1, messageId: 2 }),
      message("good", "3", { qos: 1, messageId: 3 }),
    ];
    peer.sendBytes(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 }))));
    await peer.next("disconnect");
    // The network connection is there for another moment, and would take it.
    assertProblem(await publish(rig, "t", "late"), 503, "temporarily-not-connected");
    await peer.closed;
    const { body } = await rig.call("GET", "/connections/home/messages");
    assert.deepEqual(
      body.items.map(({ payload }: { payload: string }) => payload),
      ["1"],
    );
    const sent = peer.received.map((packet) => `${packet.cmd} ${packet.messageId ?? ""}`.trim());
    assert.deepEqual(sent, ["connect", "puback 1", "disconnect"]);
  });

  itHolds("S43: what waited to be sent is not, and its caller is told so", async (rig) => {
    const { peer } = await openScripted(rig, staysOpen({ receiveMaximum: 1 }));
    const first = publish(rig, "t", "1", "&qos=1&wait=20");
    const { messageId = 0 } = await peer.next("publish");
    const second = publish(rig, "t", "2", "&qos=1&wait=20");
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    const removing = rig.call("DELETE", "/connections/home?drainMs=100");
    await peer.next("disconnect");
    acknowledge(peer, "puback", messageId);
    assert.equal((await first).status, 200);
    assertProblem(await second, 409, "not-connected");
    assert.equal((await removing).status, 200);
  });
});
