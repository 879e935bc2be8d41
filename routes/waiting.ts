import { z } from "@hono/zod-openapi";
import type { Waiting } from "../src/connection/operations.ts";
import type { Patience } from "../src/connection/session.ts";
import type { Connection } from "../src/connection/connection.ts";
import type { Tenant } from "../src/tenant.ts";
import type { HoldOpen } from "../src/waits.ts";
import type { AppContext } from "./context.ts";
import { callSignal, whileAllowed } from "./middleware/call-signal.ts";

const defaultWaitSeconds = 10;
const mostWaitSeconds = 60;
/** Calls that must have an answer have at least so long for it. */
const leastWaitMs = 100;

const seconds = z
  .string()
  .regex(/^\d{1,4}(\.\d{1,3})?$/, "expected a number of seconds")
  .transform(Number)
  .refine((n) => n <= mostWaitSeconds, `expected at most ${mostWaitSeconds} seconds`);

/** `?wait=`: how long this call may take, in seconds. */
export const waitParameter = seconds.optional();

/** `?wait=` for calls that hold until something changes; 0 answers at once. */
export const holdParameter = seconds.default(0);

interface Preferences {
  readonly wait: number | null;
  readonly respondAsync: boolean;
}

/** Of a list: up to a comma that is not within a quoted string, which may lack its end (RFC 9110 §5.6.1, §5.6.4). */
const element = /(?:"(?:[^"\\]|\\.?)*"?|[^,"])+/g;

/** Reads `Prefer` (RFC 7240). What is not understood is ignored, as the RFC has it. */
function readPrefer(header: string | undefined): Preferences {
  let wait: number | null = null;
  let respondAsync = false;
  for (const part of header?.match(element) ?? []) {
    const preference = part.split(";")[0]?.trim().toLowerCase() ?? "";
    const value = /^wait\s*=\s*"?(\d+)"?$/.exec(preference)?.[1];
    if (value !== undefined) wait ??= Math.min(Number(value), mostWaitSeconds);
    if (preference === "respond-async") respondAsync = true;
  }
  return { wait, respondAsync };
}

/**
 * How long this call waits: `?wait=` over `Prefer: wait=`, else 10 s. `?wait=0`, or `respond-async` alone, answers at
 * once; with a wait as well, it answers when the wait is over. Says which preferences were applied.
 */
export function waitingOf(c: AppContext, wait: number | undefined): Waiting {
  const prefer = readPrefer(c.req.header("prefer"));
  const applied: string[] = [];
  if (prefer.respondAsync) applied.push("respond-async");
  if (prefer.wait !== null && wait === undefined) applied.push(`wait=${prefer.wait}`);
  if (applied.length > 0) c.header("Preference-Applied", applied.join(", "));
  const asked = wait ?? prefer.wait;
  const waitSeconds = asked ?? (prefer.respondAsync ? 0 : defaultWaitSeconds);
  return {
    waitMs: Math.round(waitSeconds * 1_000),
    async: prefer.respondAsync || waitSeconds === 0,
    signal: callSignal(c),
  };
}

/** The milliseconds that a call waits that is never asynchronous: `?wait=` over `Prefer: wait=`, else 10 s. */
export function waitOf(c: AppContext, wait: number | undefined): number {
  const prefer = readPrefer(c.req.header("prefer"));
  if (prefer.wait !== null && wait === undefined) c.header("Preference-Applied", `wait=${prefer.wait}`);
  const waitSeconds = wait ?? prefer.wait ?? defaultWaitSeconds;
  return Math.max(leastWaitMs, Math.round(waitSeconds * 1_000));
}

/** As {@link waitOf}, with the caller, whose leaving ends the wait. */
export function patienceOf(c: AppContext, wait: number | undefined): Patience {
  return { waitMs: waitOf(c, wait), signal: callSignal(c) };
}

/** Begins a wait for something of a connection, which does not go idle meanwhile; the returned function ends it. */
export function enterWait(
  { registry, waits }: Pick<Tenant, "registry" | "waits">,
  connection: Connection,
  holdOpen: HoldOpen | undefined,
): () => void {
  const leave = waits.enter(holdOpen);
  if (connection.request.idleTtlMs === null) return leave;
  const letIdle = registry.hold(connection.id);
  return () => {
    letIdle();
    leave();
  };
}

/** Runs a call that waits for something of a connection, for so long as its caller may be here. */
export async function waitOn<T>(c: AppContext, connection: Connection, call: () => Promise<T>): Promise<T> {
  const leave = enterWait(c.get("tenant"), connection, c.env?.holdOpen);
  try {
    return await whileAllowed(c, call());
  } finally {
    leave();
  }
}
