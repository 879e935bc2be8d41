import assert from "node:assert/strict";
import { accepts, sendConnack } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

/** The connection would go idle in less than these calls wait. */
const request = { id: "home", idleTtlMs: 1_000 };

describe("a call that waits keeps its connection from going idle", () => {
  itHolds("while PUBACK does not come", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ ...request, url: broker.url });
    const path = "/connections/home/publish?topic=t&qos=1&wait=2";
    assertProblem(
      await rig.call("POST", path, "x", { "content-type": "text/plain" }),
      504,
      "acknowledgement-timeout",
    );
    assert.equal((await rig.call("GET", "/connections/home")).body.state, "connected");
  });

  itHolds("while SUBACK does not come", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
    });
    await rig.open({ ...request, url: broker.url });
    const answer = await rig.call("POST", "/connections/home/subscriptions?wait=2", { topicFilter: "t" });
    assertProblem(answer, 504, "acknowledgement-timeout");
    assert.equal((await rig.call("GET", "/connections/home")).body.state, "connected");
  });

  itHolds("while no retained message comes", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ ...request, url: broker.url });
    const answer = await rig.call("GET", "/connections/home/retained?topic=t&wait=2");
    assertProblem(answer, 404, "no-retained-message");
    assert.equal((await rig.call("GET", "/connections/home")).body.state, "connected");
  });
});
