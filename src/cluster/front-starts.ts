import { takeFromQuery } from "./front-query.ts";
import { shardOf } from "./front-shard.ts";
import { earliest, Vector } from "./front-vector.ts";

/** Where a reader of all events begins, and with that each cell's own reader. */
export interface Starts {
  /** It said where it had been, so that its own last id still holds. */
  readonly isResumed: boolean;
  /** What it said, as the gap of a stream, or that of a page, repeats it. */
  readonly requested: { readonly live: string; readonly page: string };
  /** The cell whose connection's messages come in between; null where none do. */
  readonly joins: number | null;
  /** What a cell is asked. */
  readonly urlOf: (cell: number) => string;
  /** What it is asked when its stream is opened again. */
  readonly urlAfter: (id: string) => string;
}

/** No id of any cell, which each says of it: one that happens to be an id somewhere must not count there, and be a hole elsewhere. */
const unknown = "unknown";
/** Longer than any id of ours. A parameter that is longer is refused, as a cell would; a header counts for an unknown id. */
const mostRequested = 4_096;

/**
 * Of `lastEventId`, `Last-Event-ID` and `after`, of which the cells get their own parts, and of `messages`, which is of one
 * of them; what they refuse they get as it is.
 */
export function startsOf({ url, headers }: Request, shards: number): Starts {
  const query = takeFromQuery(url, ["lastEventId", "after", "messages"]);
  const { lastEventId: lives = [], after: pages = [], messages = [] } = query.values;
  if ([lives, pages, messages].some(isRefused))
    return {
      ...{ isResumed: false, requested: { live: "", page: "" }, joins: null },
      ...{ urlOf: () => url, urlAfter: () => url },
    };
  const live = sayingOf(lives[0] ?? headers.get("last-event-id"), shards);
  const after = sayingOf(pages[0] ?? null, shards);
  const [joined] = messages;
  const joins = joined === undefined ? null : shardOf(joined, shards);
  return {
    isResumed: live.text !== "",
    requested: { live: live.text.slice(0, mostRequested), page: after.text },
    joins,
    urlOf: (cell) =>
      query.with({
        ...given("lastEventId", live.idOf(cell)),
        ...given("after", after.idOf(cell)),
        ...(cell === joins && joined !== undefined ? { messages: joined } : {}),
      }),
    urlAfter: (id) => query.with(given("lastEventId", id)),
  };
}

interface Saying {
  readonly text: string;
  readonly idOf: (cell: number) => string;
}

function sayingOf(text: string | null, shards: number): Saying {
  if (text === null || text === "" || text === earliest) return { text: text ?? "", idOf: () => text ?? "" };
  const vector = Vector.parse(text, shards);
  return vector === null ? { text, idOf: () => unknown } : { text, idOf: (cell) => vector.idOf(cell) };
}

/** Given more than once, or longer than anything of ours. */
function isRefused([text = "", ...more]: readonly string[]): boolean {
  return more.length > 0 || text.length > mostRequested;
}

function given(name: string, value: string): Readonly<Record<string, string>> {
  return value === "" ? {} : { [name]: value };
}
