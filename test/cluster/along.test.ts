import assert from "node:assert/strict";
import { alongOf, contextOf } from "../../src/cluster/node-cells.ts";
import { describe, it } from "../support/test.ts";

describe("what goes along with a call from node to node", () => {
  it("comes out as it went in, and nothing else does", () => {
    const sent = { newId: "c_1", onlyWebhooks: ["w_1", "w_2"], isPart: true };
    const context = { ...sent, peer: () => ({ address: "127.0.0.1", port: 1 }), holdOpen: () => () => {} };
    assert.deepEqual(contextOf(JSON.stringify(alongOf(context))), sent);
    assert.deepEqual(contextOf(JSON.stringify(alongOf(undefined))), {});
    assert.deepEqual(contextOf(null), {});
  });
});
