import assert from "node:assert/strict";
import { jointWebhook, type CellWebhook } from "../../src/cluster/front-webhook-view.ts";
import { describe, it } from "../support/test.ts";

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const failure = (second: number) => ({ at: at(second), code: `f${second}` });

function view(fields: Partial<CellWebhook> = {}): CellWebhook {
  return {
    ...{ id: "w", state: "active", lastSuccessAt: null, lastFailure: null, failuresInARow: 0 },
    ...{ nextAttemptAt: null, counters: { delivered: 1, dead: 0 }, ...fields },
  };
}

describe("jointWebhook()", () => {
  it("is what it is where it is kept, and goes as it goes in all cells", () => {
    const own = { ...view({ lastSuccessAt: at(3) }), url: "kept" };
    const others = [
      view({ state: "failing", lastFailure: failure(4), failuresInARow: 2, nextAttemptAt: at(9) }),
      view({ lastSuccessAt: at(5), lastFailure: failure(2), counters: { delivered: 7, dead: 1, more: 1 } }),
      view({ state: "failing", failuresInARow: 1, nextAttemptAt: at(8) }),
    ];
    assert.deepEqual(jointWebhook(own, others), {
      ...{ id: "w", url: "kept", state: "failing", lastSuccessAt: at(5), lastFailure: failure(4) },
      ...{ failuresInARow: 3, nextAttemptAt: at(8), counters: { delivered: 10, dead: 1 } },
    });
  });

  it("is disabled where it is kept so, whatever others have not heard of yet, and not where one of them thinks so", () => {
    const failing = view({ state: "failing" });
    assert.equal(jointWebhook(view({ state: "disabled" }), [failing]).state, "disabled");
    assert.equal(jointWebhook(view(), [view({ state: "disabled" })]).state, "active");
    assert.deepEqual(jointWebhook(view(), []), view());
  });
});
