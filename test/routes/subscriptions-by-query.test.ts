import assert from "node:assert/strict";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { accepts } from "../support/broker-scripts.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/subscriptions";

describe("GET and DELETE /connections/{id}/subscriptions?topicFilter=", () => {
  itHolds("reaches filters that a path cannot hold", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    for (const topicFilter of [".", "..", "x".repeat(5_000)]) {
      assert.equal((await rig.call("POST", path, { topicFilter })).status, 201);
      const named = `${path}?topicFilter=${topicFilter}`;
      const { body } = await rig.call("GET", named);
      assert.deepEqual(
        body.items.map((item: { topicFilter: string }) => item.topicFilter),
        [topicFilter],
      );
      assert.equal((await rig.call("DELETE", named)).status, 204);
      assert.deepEqual((await rig.call("GET", named)).body, { items: [] });
      assertProblem(await rig.call("DELETE", named), 404, "not-found");
    }
    assertProblem(await rig.call("DELETE", path), 422, "invalid-request");
  });
});
