import assert from "node:assert/strict";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

describe("/healthz, /readyz, /version", () => {
  itHolds("healthz answers, version names what runs", async (rig) => {
    assert.deepEqual((await rig.call("GET", "/healthz")).body, { ok: true });
    assert.deepEqual((await rig.call("GET", "/version")).body, { name: "connack", version: "0.0.0-test" });
  });

  itHolds("readyz counts connections by state, and streams", async (rig) => {
    const accepting = await rig.broker(accepts());
    const refusing = await rig.broker(refuses(0x87));
    await rig.open({ id: "a", url: accepting.url });
    await rig.open({ id: "b", url: refusing.url }, "?wait=0");
    await using events = await rig.app.events("/connections/b/events?lastEventId=earliest");
    await events.next("failed");
    const { status, body } = await rig.call("GET", "/readyz");
    assert.equal(status, 200);
    assert.equal(body.ready, true);
    assert.deepEqual(body.connections, {
      connecting: 0,
      connected: 2,
      waiting: 0,
      failed: 1,
      closing: 0,
      closed: 0,
    });
    assert.equal(body.streams, 1);
  });

  itHolds("HEAD answers as GET does, without a body", async (rig) => {
    const answer = await rig.call("HEAD", "/healthz");
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "");
  });
});
