import { FrameCache } from "../../src/stream/frame.ts";
import { OrderedLog, type LogBounds } from "../../src/stream/log.ts";
import { Subscriber, type SubscriberOptions } from "../../src/stream/subscriber.ts";

const roomy = { maxEntries: 10_000, maxBytes: 1_000_000 };

/** One subscriber of one log, whose entries are numbered from 1, with a clock that stands still. */
export interface SubscriberRig {
  readonly log: OrderedLog;
  readonly subscriber: Subscriber;
  /** Advances the clock and lets the subscriber look at it. */
  tick(ms: number): void;
  append(count: number): void;
  /** The JSON lines of the next chunk; null at the end. */
  read(): Promise<readonly Line[] | null>;
  /** As `read`, begun so that the subscriber knows of it when this resolves. */
  begin(): Promise<{ readonly lines: Promise<readonly Line[] | null> }>;
  /** All lines up to the end. */
  rest(): Promise<readonly Line[]>;
  cancel(): Promise<void>;
  readonly ends: () => number;
}

export interface Line {
  readonly type: string;
  readonly n?: number;
  readonly reason?: string;
}

export const heartbeatMs = 100;
export const writeTimeoutMs = 1_000;

export function subscribe(
  options: Partial<SubscriberOptions> & { bounds?: LogBounds; appended?: number } = {},
): SubscriberRig {
  const { bounds = roomy, appended = 0, ...rest } = options;
  const log = new OrderedLog("e", bounds);
  let sequence = 0;
  const append = (count: number) => {
    for (let i = 0; i < count; i += 1) {
      sequence += 1;
      const type = sequence % 2 === 0 ? "even" : "odd";
      log.append({ sequence, type, json: JSON.stringify({ type, n: sequence }) });
    }
  };
  append(appended);
  let now = 0;
  let ends = 0;
  const subscriber = new Subscriber({
    log,
    frames: new FrameCache(),
    format: "ndjson",
    after: 0,
    first: [],
    writeTimeoutMs,
    clock: { wall: () => now, monotonic: () => now },
    isStopping: () => false,
    onEnd: () => (ends += 1),
    ...rest,
  });
  const reader = subscriber.stream.getReader();
  const read = async () => {
    const { done, value } = await reader.read();
    if (done) return null;
    const lines = Buffer.from(value).toString().trim().split("\n");
    return lines.map((line): Line => JSON.parse(line));
  };
  return {
    log,
    subscriber,
    append,
    read,
    async begin() {
      const lines = read();
      await new Promise(setImmediate);
      return { lines };
    },
    tick(ms) {
      now += ms;
      subscriber.tick(heartbeatMs);
    },
    async rest() {
      const lines: Line[] = [];
      for (let more = await read(); more !== null; more = await read()) lines.push(...more);
      return lines;
    },
    cancel: () => reader.cancel(),
    ends: () => ends,
  };
}
