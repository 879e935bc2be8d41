import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";
import { runChaos } from "./run.ts";

/** `bun run test:cluster` takes longer, and has every fault. */
const seconds = 75;

describe("a cluster under load, whose nodes and servers are killed", () => {
  it(
    "keeps what was acknowledged, QoS 2 once, and shows readers all of it in order",
    async () => {
      using directory = temporaryDirectory();
      const seed = Date.now() % 1_000_000;
      const { wrong, summary } = await runChaos({
        ...{ runtime: "bun", seed, seconds, connections: 60, perSecond: 100 },
        directory: join(directory.path, "logs"),
        say: (line) => void process.stdout.write(`${line}\n`),
      });
      assert.deepEqual(wrong, [], `seed ${seed}: ${summary}`);
    },
    { skip: needs("mosquitto", "nats"), timeout: 220_000 },
  );
});
