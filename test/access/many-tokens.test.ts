import assert from "node:assert/strict";
import { join } from "node:path";
import { openSqlite } from "../../src/store/sqlite.ts";
import { startAccess, whoIs } from "../support/access.ts";
import { keepTokens } from "../support/many-tokens.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const count = 100_000;

/** What a check costs, in microseconds, the best of some runs: the machine does other things, too. */
function costOf(check: () => void): number {
  const times = 2_000;
  const runs = Array.from({ length: 10 }, () => {
    const begun = performance.now();
    for (let i = 0; i < times; i += 1) check();
    return ((performance.now() - begun) / times) * 1_000;
  });
  return Math.min(...runs);
}

describe("100,000 tokens", () => {
  it(
    "are there soon after a start, in bearable memory, and make no check dearer",
    async () => {
      using directory = temporaryDirectory();
      const options = { file: join(directory.path, "connack.db"), maxBytes: 1e9, busyTimeoutMs: 5_000 };
      const texts = await keepTokens(options.file, count);

      await using store = await openSqlite(options);
      await using few = await startAccess();
      const rss = process.memoryUsage().rss;
      const begun = performance.now();
      await using access = await startAccess({ store, maxTokens: 200_000 });
      const took = performance.now() - begun;
      const mebibytes = (process.memoryUsage().rss - rss) / 1_048_576;
      assert.equal(access.tokens.size, count);
      assert.ok(took < 10_000, `${took} ms`);
      assert.ok(mebibytes < 400, `${mebibytes} MiB`);
      for (const [index, text] of texts.entries()) {
        if (index % 1_000 !== 0) continue;
        const found = whoIs(access, text);
        assert.ok(typeof found === "object" && found.publish?.[0] === `devices/${index + 1}/#`);
      }
      const { token } = await few.tokens.create(
        { name: "x", scopes: ["publish"], publish: null, subscribe: null, expiresAt: null },
        "default",
        "admin",
      );
      const one = costOf(() => whoIs(few, token));
      const many = costOf(() => whoIs(access, texts[count / 2] ?? ""));
      assert.ok(many < one * 4 + 5, `${many} µs with many, ${one} µs with one`);
    },
    { timeout: 60_000 },
  );
});
