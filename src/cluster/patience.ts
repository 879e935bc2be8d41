import { JetStreamApiError } from "@nats-io/jetstream";
import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/nats-core";
import { StoreError } from "../store/store.ts";

/** Servers that have just started elect leaders for some seconds, and say meanwhile that they have no JetStream. */
const patienceMs = 30_000;
const betweenMs = 500;
/** Another node has made it a moment ago, and not every server has heard of it; no other is asked for. */
const streamNotFound = 10_059;

/** Whether the servers may answer otherwise in a moment. */
export function isTransient(error: unknown): boolean {
  if (error instanceof StoreError) return error.kind === "unavailable";
  if (error instanceof JetStreamApiError) return error.status >= 500 || error.code === streamNotFound;
  return (
    (error instanceof Error && error.name === "JetStreamNotEnabled") ||
    error instanceof TimeoutError ||
    error instanceof NoRespondersError ||
    (error instanceof RequestError && error.isNoResponders())
  );
}

/**
 * Asks again for as long as it may be that the servers are not ready yet, for 30 seconds.
 *
 * @throws what came of it last, or what is no matter of time
 */
export async function patiently<T>(ask: () => Promise<T>, now: () => number): Promise<T> {
  const until = now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isTransient(error) || now() >= until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
}
