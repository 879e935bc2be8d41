import { pause } from "./pause.ts";
import type { Http, Query } from "./http.ts";
import { ConnackProblem, ConnackUnreachable } from "./problem.ts";
import { SseParser } from "./sse-parser.ts";

/** An event of a stream with its data parsed: what the data says, and the event's type. */
export interface LiveEvent {
  readonly type: string;
}

export interface LiveOptions {
  readonly query?: Query;
  /** The id to go on after; `earliest` for all that is kept; with none, from now on. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How streams hold on. */
export interface Persistence {
  /** A stream without a byte for so long is taken for dead; the server sends a heartbeat every 15 s. */
  readonly silenceMs: number;
  readonly random: () => number;
}

const defaultRetryMs = 2_000;
const mostDelayMs = 30_000;
/** Whatever a proxy says: timers have their bound, too, and go off at once behind it. */
const mostRetryAfterMs = 300_000;

/** Where a reader is, over all its streams. */
interface Place {
  lastId: string;
  retryMs: number;
  /** Streams in a row that could not be opened, or brought nothing. */
  failures: number;
}

/**
 * The events of a stream, over as many streams as it takes: one that is lost is opened again after the last event that
 * was taken. Ends where `signal` aborts.
 *
 * @throws {ConnackProblem} the server says no, in a way that trying again does not change
 */
export async function* liveStream(
  http: Http,
  path: string,
  { query = {}, after = "", signal }: LiveOptions,
  { silenceMs, random }: Persistence,
): AsyncGenerator<LiveEvent, void> {
  const place: Place = { lastId: after, retryMs: defaultRetryMs, failures: 0 };
  while (!isAborted(signal)) {
    let leastMs = 0;
    try {
      yield* oneStream(http, path, query, place, silenceMs, signal);
    } catch (error) {
      if (isAborted(signal)) return;
      leastMs = retryAfterMs(error);
    }
    if (isAborted(signal)) return;
    await pause(Math.max(leastMs, delayMs(place, random)), signal);
    place.failures += 1;
  }
}

/** Asked anew each time, since it changes meanwhile. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** What cannot succeed later is thrown on. */
function retryAfterMs(error: unknown): number {
  if (error instanceof ConnackUnreachable) return 0;
  if (!(error instanceof ConnackProblem)) throw error;
  const { status, retryAfterSeconds } = error;
  if (status !== 429 && status < 500) throw error;
  return Math.min(mostRetryAfterMs, (retryAfterSeconds ?? 0) * 1_000);
}

/** Doubling from what the server said, at most {@link mostDelayMs}; half of it by chance, so that readers do not come at once. */
function delayMs({ retryMs, failures }: Place, random: () => number): number {
  const ceiling = Math.min(mostDelayMs, retryMs * 2 ** Math.min(failures, 10));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** One stream to its end. Its own abort, when the reader leaves or it is silent, is apart from the caller's. */
async function* oneStream(
  http: Http,
  path: string,
  query: Query,
  place: Place,
  silenceMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<LiveEvent, void> {
  const own = new AbortController();
  const abort = () => own.abort();
  signal?.addEventListener("abort", abort, { once: true });
  let timer = setTimeout(abort, silenceMs);
  try {
    const headers = {
      accept: "text/event-stream",
      ...(place.lastId === "" ? {} : { "last-event-id": place.lastId }),
    };
    const response = await reached(http.send("GET", path, { query, headers, signal: own.signal }));
    const startsAt = response.headers.get("connack-last-event-id") ?? "";
    // Otherwise what comes between a stream that brought no id and the next one would be lost.
    if (/^(|earliest|latest)$/.test(place.lastId)) place.lastId = startsAt;
    const parser = new SseParser();
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    for (;;) {
      const { done, value } = await reached(reader.read());
      if (done) return;
      // A reader that takes its time is not the server's silence.
      clearTimeout(timer);
      for (const { type, data, id } of parser.feed(value)) {
        place.failures = 0;
        yield { ...(JSON.parse(data) as object), type };
        // A gap is told again until somebody has taken it; then the stream goes on from where it began.
        if (type === "gap" && id === "" && startsAt !== "") place.lastId = startsAt;
      }
      // All of the chunk's events have been taken. Heartbeats of filtered streams, too, say how far the server has looked.
      if (parser.lastId !== "") place.lastId = parser.lastId;
      place.retryMs = Math.max(1, parser.retryMs ?? place.retryMs);
      timer = setTimeout(abort, silenceMs);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    own.abort();
  }
}

/** Whatever breaks a stream is a reason to open it again, unless the server has said no. */
async function reached<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ConnackProblem || error instanceof ConnackUnreachable) throw error;
    throw new ConnackUnreachable("The stream was lost", { cause: error });
  }
}
