import { measureInbound } from "./durable-inbound.ts";
import { measureLogs } from "./durable-log.ts";
import { measureOutbox } from "./durable-outbox.ts";
import { measureRestart } from "./durable-restart.ts";
import type { Report } from "./report.ts";
import type { TurnSizes } from "./turns.ts";

export interface DurableSizes extends TurnSizes {
  /** Keep-alive connections that publish. */
  readonly callers: number;
  /** Stored connections that come back. */
  readonly connections: number;
  /** Milliseconds for memory to come to rest. */
  readonly settleMs: number;
  /** Which figures; all when it is empty. */
  readonly only: readonly string[];
  readonly against: string | undefined;
}

const figures: Readonly<Record<string, (sizes: DurableSizes, report: Report) => Promise<void>>> = {
  inbound1: (sizes, report) => measureInbound(1, sizes, report),
  inbound50: (sizes, report) => measureInbound(50, sizes, report),
  outbox: measureOutbox,
  restart: measureRestart,
  log: measureLogs,
};

/** What it costs that messages and connections outlive the process. */
export async function measureDurable(sizes: DurableSizes, report: Report): Promise<void> {
  for (const [name, measure] of Object.entries(figures))
    if (sizes.only.length === 0 || sizes.only.includes(name)) await measure(sizes, report);
}
