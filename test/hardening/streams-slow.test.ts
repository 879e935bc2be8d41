import assert from "node:assert/strict";
import { runtimeArguments, startProgram } from "../support/program.ts";
import { readSlowly } from "../support/slow-reader.ts";
import { describe, it } from "../support/test.ts";

const MiB = 1_048_576;
const seconds = 14;
const frozenReaders = 10;

/** Takes all, and notes how late each event was. */
function readFast(url: string) {
  const state = { events: 0, worstMs: 0 };
  const read = async () => {
    const response = await fetch(url);
    const decoder = new TextDecoder();
    let rest = "";
    let next: number | null = null;
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, sequence, at] = /^data: \{"sequence":(\d+),"at":(\d+)/.exec(line) ?? [];
        if (sequence === undefined) continue;
        assert.equal(Number(sequence), next ?? Number(sequence));
        next = Number(sequence) + 1;
        state.events += 1;
        state.worstMs = Math.max(state.worstMs, Date.now() - Number(at));
      }
    }
  };
  return { state, failed: read().then(() => new Error("a fast reader's stream has ended")) };
}

describe("S53: slow readers beside fast ones, at 1,000 events a second", () => {
  it(
    "S53: memory is flat, those who take too little are told or cut off, and the others are on time",
    async () => {
      // A process of its own, so that its memory is the server's and not the readers'.
      await using server = startProgram(process.execPath, runtimeArguments("test/support/flood-server.ts"));
      const url = await server.printed(/http:\S+/);
      const port = Number(new URL(url).port);
      const fast = [readFast(url), readFast(url)];
      using readers = new DisposableStack();
      const slowly = async (bytesPerSecond: number) =>
        readers.use(await readSlowly(port, "/", bytesPerSecond));
      const cutOff = [await slowly(1_000)];
      while (cutOff.length <= frozenReaders) cutOff.push(await slowly(0));
      const behind = await slowly(MiB);

      const run = server.printed(new RegExp(`appended=${seconds}000 .*\n`));
      const ended = await Promise.race([run, ...fast.map(({ failed }) => failed)]);
      if (ended instanceof Error) throw ended;
      const lines = [...server.output().matchAll(/appended=(\d+) rss=(\d+) streams=(\d+)/g)];
      const rss = lines.map((line) => Number(line[2]) / MiB);
      // Until the log is full, memory is supposed to grow.
      const grown = Math.max(...rss) - (rss[5] ?? 0);
      const events = Math.min(...fast.map(({ state }) => state.events));
      const worst = Math.max(...fast.map(({ state }) => state.worstMs));
      process.stdout.write(
        `S53: memory grew by ${grown.toFixed(0)} MiB; the worst event was ${worst} ms late\n`,
      );
      // Held for the frozen readers alone, the events of a second would be 40 MiB.
      assert.ok(grown < 128, `memory grew: ${rss.map(Math.round).join()}`);
      assert.ok(worst < 1_000, `an event was ${worst} ms late`);
      assert.ok(events > (seconds - 3) * 1_000, `${events} events in ${seconds} s`);
      assert.equal(
        lines.at(-1)?.[3],
        String(fast.length),
        "streams of readers that take too little are open",
      );

      // The one that keeps reading gets to the gap, and to the end.
      await behind.closed;
      assert.match(behind.text(), /event: gap\ndata: \{"type":"gap",.*"reason":"slow-consumer"/);
      // What is cut off has no proper end, so that none can take it for one.
      for (const reader of cutOff) assert.doesNotMatch(reader.text(), /\r\n0\r\n\r\n/);
    },
    { timeout: 60_000 },
  );
});
