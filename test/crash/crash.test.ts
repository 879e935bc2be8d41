import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";
import { runRounds } from "./rounds.ts";

/** `bun run test:crash` runs more. */
const rounds = 8;

describe("S60: kill -9 under load", () => {
  it(
    "what was acknowledged is there afterwards, connections come back, and what was deleted stays so",
    async () => {
      using directory = temporaryDirectory();
      const seed = Date.now() % 1_000_000;
      const log = (line: string) => void process.stdout.write(`${line}\n`);
      log(`seed ${seed}`);
      const outcome = await runRounds({ runtime: thisRuntime, seed, rounds, directory: directory.path, log });
      assert.deepEqual(outcome.wrong, [], `round ${outcome.round} of seed ${seed}`);
    },
    { skip: needs("mosquitto"), timeout: 60_000 },
  );
});
