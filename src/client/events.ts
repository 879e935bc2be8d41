import type { ConnackEvent, LifecycleEvent, LifecycleType } from "./event.ts";
import { path, type CallOptions, type Http } from "./http.ts";
import { liveStream, type Persistence } from "./live-stream.ts";

export interface EventsOptions extends CallOptions {
  /** One connection; a list of them; or, without, all. */
  readonly connection?: string | readonly string[];
  /** Lifecycle events of other types are left out. */
  readonly types?: readonly LifecycleType[];
  /** The id to go on after; `earliest` for all that is kept; without, from now on. */
  readonly after?: string;
}

/**
 * Lifecycle events as they happen, each stream behind a `snapshot`. A stream that is lost is opened again after the last
 * event that was taken; what is not kept any more is told by `gap`. Ends when `signal` aborts and, of one connection,
 * with `closed`, unless it comes back: `cause` is then `shutdown` (of the server) or `replaced` (by PUT).
 */
export async function* events(
  http: Http,
  { connection, types, after, signal }: EventsOptions,
  persistence: Persistence,
): AsyncGenerator<ConnackEvent, void> {
  const isOne = typeof connection === "string";
  // The end must be seen, whatever is wanted.
  const asked = types === undefined || !isOne ? types : [...new Set([...types, "closed"])];
  const query = { types: asked?.join(","), connection: isOne ? undefined : connection?.join(",") };
  const address = isOne ? path`/connections/${connection}/events` : "/events";
  for await (const each of liveStream(http, address, { query, after, signal }, persistence)) {
    // The server's contract; what it sends is not looked at again.
    const event = each as ConnackEvent;
    if (event.type !== "closed" || types === undefined || types.includes("closed")) yield event;
    if (event.type === "closed" && isOne && isLast(event)) return;
  }
}

function isLast(event: LifecycleEvent): boolean {
  return event["cause"] !== "shutdown" && event["cause"] !== "replaced";
}
