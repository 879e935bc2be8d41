import assert from "node:assert/strict";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { Image } from "../../src/store/image.ts";
import { Snapshots } from "../../src/store/jetstream-snapshots.ts";
import { describe, it } from "../support/test.ts";

/** Snapshots of an image of several pieces; `onPiece` is called with how many have been written. */
function begin(onPiece: (count: number) => void) {
  let [pieces, purges] = [0, 0];
  const client = {
    publish: async () => {
      pieces += 1;
      onPiece(pieces);
      return { seq: pieces };
    },
  } as unknown as JetStreamClient;
  const manager = { streams: { purge: async () => (purges += 1) } } as unknown as JetStreamManager;
  const image = new Image();
  for (const key of ["a", "b", "c"])
    image.apply({ type: "put", space: "s", key, value: "v".repeat(300_000) }, 0);
  const snapshots = new Snapshots({
    ...{ client, manager, stream: "s", log: "s.0.log", pieces: "s.0.snap", maxPayload: 1e6 },
  });
  return { image, snapshots, counts: () => ({ pieces, purges }) };
}

describe("Snapshots", () => {
  it("are given up when they are stopped in the middle: nothing names one, and nothing goes", async () => {
    const { image, snapshots, counts } = begin((count) => {
      if (count === 2) snapshots.stop();
    });
    let isNamed = false;
    await snapshots.take(image, 9, async () => {
      isNamed = true;
    });
    assert.equal(isNamed, false);
    assert.deepEqual(counts(), { pieces: 2, purges: 0 });
    assert.equal(snapshots.isDue(1e9, image), false);
  });

  it("take what they have out of the chain once they are named", async () => {
    const { image, snapshots, counts } = begin(() => {});
    let named: unknown = null;
    await snapshots.take(image, 9, async ({ through, first, last, pieces }) => {
      named = { through, first, last, pieces };
    });
    const { pieces, purges } = counts();
    assert.deepEqual(named, { through: 9, first: 1, last: pieces, pieces });
    assert.equal(purges, 2);
  });
});
