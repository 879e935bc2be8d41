import assert from "node:assert/strict";
import { JetStreamApiError } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/nats-core";
import { isTransient } from "../../src/cluster/patience.ts";
import { StoreError } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

const apiError = (code: number, err_code: number) =>
  new JetStreamApiError({ code, err_code, description: "as the server says it" });

describe("isTransient()", () => {
  it("is true of what servers say that are not ready, or have not heard of what another node has made", () => {
    assert.ok(isTransient(apiError(503, 10_008)));
    assert.ok(isTransient(apiError(404, 10_059)));
    assert.ok(isTransient(new TimeoutError()));
    assert.ok(isTransient(new StoreError("unavailable", "The servers of the store do not answer")));
  });

  it("is false of what no time changes", () => {
    assert.ok(!isTransient(apiError(400, 10_052)));
    assert.ok(!isTransient(apiError(404, 10_037)));
    assert.ok(!isTransient(new StoreError("fenced", "Another node owns the store")));
    assert.ok(!isTransient(new Error("no words for this")));
  });
});
