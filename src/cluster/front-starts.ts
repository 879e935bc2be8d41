import { takeFromQuery } from "./front-query.ts";
import { earliest, Vector } from "./front-vector.ts";

/** Where a reader of all events begins, and with that each cell's own reader. */
export interface Starts {
  /** It said where it had been, so that its own last id still holds. */
  readonly isResumed: boolean;
  /** What it said, as a gap repeats it. */
  readonly requested: string;
  /** Where a page begins in a cell. */
  readonly afterOf: (cell: number) => string;
  /** What a cell is asked. */
  readonly urlOf: (cell: number) => string;
  /** What it is asked when its stream is opened again. */
  readonly urlAfter: (cell: number, id: string) => string;
}

/** No id of any cell, which each says of it: one that happens to be an id somewhere must not count there, and be a hole elsewhere. */
const unknown = "unknown";
/** As long as a cell tells it. */
const mostRequested = 4_096;

/** Of `lastEventId`, `Last-Event-ID` and `after`, of which the cells get their own parts; what they refuse they get as it is. */
export function startsOf({ url, headers }: Request, shards: number): Starts {
  const query = takeFromQuery(url, ["lastEventId", "after"]);
  const live = sayingOf(query.values["lastEventId"], shards);
  const header = headers.get("last-event-id");
  const lastEventId = live ?? (header === null ? null : sayingOf([header], shards));
  const after = sayingOf(query.values["after"], shards);
  if (isRefused(lastEventId) || isRefused(after))
    return {
      ...{ isResumed: false, requested: "" },
      ...{ afterOf: () => earliest, urlOf: () => url, urlAfter: () => url },
    };
  const urlWith = (ids: Readonly<Record<string, string | null>>) =>
    query.with(
      Object.fromEntries(
        Object.entries(ids).flatMap(([name, id]) => (id === null || id === "" ? [] : [[name, id]])),
      ),
    );
  return {
    isResumed: lastEventId !== null && lastEventId.text !== "",
    requested: (lastEventId?.text || after?.text || "").slice(0, mostRequested),
    afterOf: (cell) => after?.idOf(cell) || earliest,
    urlOf: (cell) =>
      urlWith({ lastEventId: lastEventId?.idOf(cell) ?? null, after: after?.idOf(cell) ?? null }),
    urlAfter: (_cell, id) => urlWith({ lastEventId: id }),
  };
}

interface Saying {
  readonly text: string;
  readonly idOf: (cell: number) => string;
}

/** Given more than once, or longer than anything of ours. */
type RefusedSaying = "refused";

function isRefused(saying: Saying | RefusedSaying | null): saying is RefusedSaying {
  return saying === "refused";
}

function sayingOf(values: readonly string[] = [], shards: number): Saying | RefusedSaying | null {
  const [text, ...more] = values;
  if (text === undefined) return null;
  if (more.length > 0) return "refused";
  if (text === "" || text === earliest) return { text, idOf: () => text };
  const vector = Vector.parse(text, shards);
  if (vector !== null) return { text, idOf: (cell) => vector.idOf(cell) };
  return text.length > mostRequested ? "refused" : { text, idOf: () => unknown };
}
