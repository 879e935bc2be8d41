import { statSync } from "node:fs";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { program, startChild, type Child } from "./child.ts";
import type { DurableSizes } from "./durable.ts";
import { microseconds, ms, perSecond, times, type Report } from "./report.ts";
import { median } from "./statistics.ts";

const large = 1_000_000;
const small = 1_000;
/** Not kept yet at most, while messages are appended. */
const ahead = 5_000;
const appended = 20_000;

/** Someone's log, with what was seen of it, round by round. */
interface Log {
  readonly size: number;
  readonly child: Child;
  readonly figures: Record<"append" | "resume" | "read" | "trim", number[]>;
}

/** What a log of a million small messages costs beside one of a thousand. */
export async function measureLogs({ rounds }: DurableSizes, report: Report): Promise<void> {
  using directory = temporaryDirectory();
  const file = (size: number) => `${directory.path}/${size}.db`;
  await using stack = new AsyncDisposableStack();
  const begin = async (size: number): Promise<Log> => {
    const child = stack.use(startChild(program("log-work.ts")));
    await child.ask({ command: "open", file: file(size), most: size });
    await child.ask({ command: "append", count: size, ahead });
    return { size, child, figures: { append: [], resume: [], read: [], trim: [] } };
  };
  const few = await begin(small);
  const many = await begin(large);
  for (let round = 0; round <= rounds; round += 1) for (const log of [few, many]) await take(log, round > 0);
  const names = {
    append: "append",
    resume: "resume at a random id, and 100 after it",
    read: "the same, from the store",
    trim: "trim 256 in the store",
  };
  for (const [key, name] of Object.entries(names) as [keyof Log["figures"], string][]) {
    const [one, other] = [median(many.figures[key]), median(few.figures[key])];
    const slower = median(many.figures[key].map((value, i) => value / (few.figures[key][i] ?? Number.NaN)));
    const show =
      key === "append"
        ? (value: number) => perSecond((appended / value) * 1_000)
        : key === "trim"
          ? ms
          : microseconds;
    report({
      figure: `log of ${large}: ${name}`,
      value: show(one),
      beside: `of ${small} ${show(other)}; ${times(slower)} as long`,
      target: "1.50 ×",
      met: slower <= 1.5,
    });
  }
  await tellLoad(many, file(large), report);
}

async function take({ child, figures }: Log, counts: boolean): Promise<void> {
  const resume = await child.ask<{ us: number }>({ command: "resume", count: 2_000 });
  const read = await child.ask<{ us: number }>({ command: "read", count: 500 });
  // Of the small one there is not more to be had.
  const trim = await child.ask<{ ms: number }>({ command: "trim", count: 3, each: 256 });
  const append = await child.ask<{ ms: number }>({ command: "append", count: appended, ahead });
  if (!counts) return;
  figures.resume.push(resume.us);
  figures.read.push(read.us);
  figures.trim.push(trim.ms);
  figures.append.push(append.ms);
}

async function tellLoad({ child }: Log, file: string, report: Report): Promise<void> {
  await child.ask({ command: "close" });
  const opens: number[] = [];
  const loads: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    await using fresh = startChild(program("log-work.ts"));
    const taken = await fresh.ask<{ openMs: number; loadMs: number; size: number }>({
      command: "open",
      file,
      most: large,
    });
    opens.push(taken.openMs);
    loads.push(taken.loadMs);
    await fresh.ask({ command: "close" });
  }
  await using killed = startChild(program("log-work.ts"));
  await killed.ask({ command: "open", file, most: large });
  await killed[Symbol.asyncDispose]();
  await using after = startChild(program("log-work.ts"));
  const unclean = await after.ask<{ openMs: number }>({ command: "open", file, most: large });
  report({
    figure: `log of ${large}: open, and load (${(statSync(file).size / 1_048_576).toFixed(0)} MiB)`,
    value: `${ms(median(opens))}, ${ms(median(loads))}`,
    beside: `open after a kill ${ms(unclean.openMs)}`,
  });
}
