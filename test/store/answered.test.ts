import assert from "node:assert/strict";
import { answered } from "../../src/store/answered.ts";
import { describe, it } from "../support/test.ts";

describe("answered()", () => {
  it("gives what came, also where it is a failure", async () => {
    assert.equal(await answered(Promise.resolve(1), 1_000), 1);
    await assert.rejects(answered(Promise.reject(new Error("no")), 1_000), /no/);
  });

  it("says in time that it is not known", async () => {
    const never = Promise.withResolvers<void>();
    await assert.rejects(answered(never.promise, 5), { name: "StoreError", kind: "unknown" });
  });
});
