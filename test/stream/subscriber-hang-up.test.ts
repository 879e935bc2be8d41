import assert from "node:assert/strict";
import { subscribe } from "../support/subscriber-rig.ts";
import { describe, it } from "../support/test.ts";

describe("Subscriber", () => {
  it("takes it that its reader turns out to have gone while the last word is written", async () => {
    const rig = subscribe();
    await rig.read();
    const { prototype } = ReadableStreamDefaultController;
    const enqueue = Reflect.get(prototype, "enqueue") as (this: unknown, chunk: unknown) => void;
    // As one runtime does, which finds a closed socket as it hands on what is enqueued.
    prototype.enqueue = function (chunk) {
      enqueue.call(this, chunk);
      void rig.cancel();
    };
    try {
      rig.subscriber.close("shutdown", {});
    } finally {
      prototype.enqueue = enqueue;
    }
    assert.equal(rig.ends(), 1);
  });
});
