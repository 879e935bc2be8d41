import assert from "node:assert/strict";
import { judgeKeys } from "../../src/cluster/keys.ts";
import { describe, it } from "../support/test.ts";

const facts = { version: "0", startedAt: "", shards: [], connections: 0, isSettled: true };
const node = (name: string, ...keys: string[]) => ({ ...facts, node: name, name, keys });

describe("judgeKeys()", () => {
  it("has nothing against nodes of the same keys, and those that do not tell theirs", () => {
    const nothing = { refusal: null, warning: null };
    assert.deepEqual(judgeKeys(["a"], [node("n", "a"), { ...facts, node: "old", name: "old" }]), nothing);
    assert.deepEqual(judgeKeys([], [node("n")]), nothing);
    assert.deepEqual(judgeKeys(["a"], []), nothing);
  });

  it("lets all of them change their key, one after another", () => {
    const [before, between, after] = [["a"], ["a", "b"], ["b", "a"]] as const;
    for (const [own, theirs] of [
      [between, before],
      [between, after],
      [after, between],
      [["b"], after],
    ] as const)
      assert.equal(judgeKeys(own, [node("n", ...theirs)]).refusal, null);
    assert.equal(judgeKeys(after, [node("n", ...between)]).warning, null);
  });

  it("refuses a node that could not open what another one seals", () => {
    for (const own of [[], ["b"], ["b", "c"]])
      assert.match(
        judgeKeys(own, [node("other", "a", "b")]).refusal ?? "",
        /^The node other encrypts with the key a, which is not among those of CONNACK_SECRET_KEY /,
      );
  });

  it("warns of what another one could not open", () => {
    const { refusal, warning } = judgeKeys(["b", "a"], [node("other", "a")]);
    assert.equal(refusal, null);
    assert.match(warning ?? "", /^the node other does not have the key b, with which this one encrypts/);
  });
});
