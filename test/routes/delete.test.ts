import assert from "node:assert/strict";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const session = { cleanStart: false, properties: { sessionExpiryInterval: 60 } };

function disconnectOf(peer: ScriptedPeer) {
  const last = peer.received.at(-1);
  assert.ok(last?.cmd === "disconnect", `the last packet was ${last?.cmd}`);
  return last;
}

describe("DELETE /connections/{id}", () => {
  itHolds("sends DISCONNECT, answers the last view, and the id is free", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "d", url: broker.url });
    const answer = await rig.call("DELETE", "/connections/d");
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.state, "closed");
    assert.equal(answer.body.drained, true);
    assert.equal(answer.body.unacknowledged, 0);
    assert.equal(answer.body.lastReason.from, "client");
    assert.equal(answer.body.lastReason.name, "Normal disconnection");
    const [peer] = broker.peers;
    await peer!.closed;
    assert.equal(disconnectOf(peer!).reasonCode ?? 0, 0);
    assertProblem(await rig.call("DELETE", "/connections/d"), 404, "not-found");
    assert.equal((await rig.open({ id: "d", url: broker.url })).status, 201);
  });

  itHolds("?reasonCode=4 and ?sessionExpiryInterval= go into DISCONNECT", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "d", url: broker.url, ...session });
    const answer = await rig.call("DELETE", "/connections/d?reasonCode=4&sessionExpiryInterval=7");
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.lastReason.code, 4);
    const [peer] = broker.peers;
    await peer!.closed;
    const sent = disconnectOf(peer!);
    assert.equal(sent.reasonCode, 4);
    assert.equal(sent.properties?.sessionExpiryInterval, 7);
  });

  itHolds("?force=true closes without DISCONNECT", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "d", url: broker.url });
    assert.equal((await rig.call("DELETE", "/connections/d?force=true")).status, 200);
    const [peer] = broker.peers;
    await peer!.closed;
    assert.deepEqual(
      peer!.received.map(({ cmd }) => cmd),
      ["connect"],
    );
  });

  for (const [query, parameter] of [
    ["reasonCode=1", "reasonCode"],
    ["reasonCode=x", "reasonCode"],
    ["drainMs=60001", "drainMs"],
    ["drainMs=-1", "drainMs"],
    ["sessionExpiryInterval=4294967296", "sessionExpiryInterval"],
    ["sessionExpiryInterval=5", "sessionExpiryInterval"],
    ["force=perhaps", "force"],
    ["fource=true", "fource"],
  ] as const) {
    itHolds(`?${query}: 422 that names ${parameter}, and the connection stays`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "d", url: broker.url });
      const answer = await rig.call("DELETE", `/connections/d?${query}`);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, parameter);
      assert.equal((await rig.call("GET", "/connections/d")).body.state, "connected");
    });
  }

  itHolds("3.1.1 has neither reason code nor session expiry: 422", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "d", url: broker.url, protocolVersion: "3.1.1" });
    for (const query of ["reasonCode=4", "sessionExpiryInterval=0"])
      assertProblem(await rig.call("DELETE", `/connections/d?${query}`), 422, "invalid-request");
    assert.equal((await rig.call("DELETE", "/connections/d?reasonCode=0")).status, 200);
  });

  for (const [protocolVersion, status] of [
    ["3.1.1", 422],
    ["3.1", 422],
    ["5", 200],
    ["auto", 200],
  ] as const) {
    itHolds(`?reasonCode=4 for ${protocolVersion} that never connected: ${status}`, async (rig) => {
      const broker = await rig.broker(silent());
      await rig.open({ id: "d", url: broker.url, protocolVersion }, "?wait=0");
      assert.equal((await rig.call("DELETE", "/connections/d?reasonCode=4")).status, status);
    });
  }

  itHolds("from failed, and while connecting", async (rig) => {
    const refusing = await rig.broker(refuses(0x87));
    await rig.open({ id: "f", url: refusing.url }, "?wait=0");
    await using events = await rig.app.events("/connections/f/events?lastEventId=earliest");
    await events.next("failed");
    assert.equal((await rig.call("DELETE", "/connections/f")).status, 200);
    await events.ended;
    const mute = await rig.broker(silent());
    await rig.open({ id: "c", url: mute.url }, "?wait=0");
    const peer = await mute.connection(1);
    assert.equal((await rig.call("DELETE", "/connections/c")).status, 200);
    await peer.closed;
  });

  itHolds("a POST that waits is told when its connection is deleted", async (rig) => {
    const broker = await rig.broker(silent());
    const opening = rig.open({ id: "d", url: broker.url });
    const peer = await broker.connection(1);
    assert.equal((await rig.call("DELETE", "/connections/d")).status, 200);
    assertProblem(await opening, 410, "connection-closed");
    await peer.closed;
  });
});
