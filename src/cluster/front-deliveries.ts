import { jointHeaders, Refused, withoutACell } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import { mergedPage, type AskCell } from "./front-sorted-pages.ts";
import { takeFromQuery, type TakenQuery } from "./front-query.ts";
import type { Cells } from "./cells.ts";
import { home } from "./front-shard.ts";

const limits = { fallback: 100, most: 1_000 };

/** One of a list: recent attempts have `at` and `attempt`, dead deliveries `diedAt`. */
interface Delivery {
  readonly id: string;
  readonly at?: string;
  readonly attempt?: number;
  readonly diedAt?: string;
}

interface Kind {
  readonly cursor: RegExp;
  /** By which they are sorted in all cells; it is the cursor behind one, too. */
  readonly keyOf: (delivery: Delivery) => string;
  /** Whether that is the cell's own cursor; else the cell is asked for all that it has, which is little. */
  readonly isCells: boolean;
}

const padded = (at: string | undefined) => String(Date.parse(at ?? "")).padStart(15, "0");

const kinds: Readonly<Record<string, Kind>> = {
  recent: {
    cursor: /^[0-9]{15}-msg_[0-9a-f-]{1,64}-[0-9]{9}$/,
    keyOf: ({ at, id, attempt }) => `${padded(at)}-${id}-${String(attempt).padStart(9, "0")}`,
    isCells: false,
  },
  dead: {
    cursor: /^[0-9]{15}-msg_[0-9a-f-]{1,64}$/,
    keyOf: ({ diedAt, id }) => `${padded(diedAt)}-${id}`,
    isCells: true,
  },
};

/**
 * `GET /webhooks/{id}/deliveries` of all cells, by time. What the front cannot read is handed to `elsewhere`, the cell that
 * keeps the webhook, whose refusal it is then.
 *
 * @throws {Refused}
 * @throws {Problem} `no-owner`
 */
export async function listDeliveries(
  cells: Pick<Cells, "call" | "shards">,
  request: Request,
  elsewhere: (request: Request) => Promise<Response>,
): Promise<Response> {
  const query = takeFromQuery(request.url, ["state", "limit", "cursor"]);
  const [state, ...states] = query.values["state"] ?? ["recent"];
  const [limitText, ...limitTexts] = query.values["limit"] ?? [String(limits.fallback)];
  const [cursor = null, ...cursors] = query.values["cursor"] ?? [];
  const limit = /^\d{1,4}$/.test(limitText ?? "") ? Number(limitText) : 0;
  const kind = state !== undefined && Object.hasOwn(kinds, state) ? kinds[state] : undefined;
  const isReadable = kind !== undefined && limit >= 1 && limit <= limits.most;
  if (!isReadable || states.length + limitTexts.length + cursors.length > 0)
    return elsewhere(new Request(request.url, request));
  const given = { state: state ?? "", limit: limitText ?? "" };
  if (cursor !== null && !kind.cursor.test(cursor))
    return elsewhere(new Request(query.with({ ...given, cursor: "-" }), request));
  using asking = new Asking(cells, request);
  let headers: Headers | null = null;
  const ask: AskCell<Delivery> = async (cell, after, most) => {
    const response = await askPage(asking, cell, urlFor(query, given.state, kind, after, most));
    if (response === null) return { items: [], next: null };
    if (cell === home) headers ??= jointHeaders(response, {});
    const page = (await jsonOf(response)) as Awaited<ReturnType<AskCell<Delivery>>>;
    if (kind.isCells) return page;
    const items = page.items.filter((each) => after === null || kind.keyOf(each) > after);
    return { items: items.toSorted((a, b) => (kind.keyOf(a) < kind.keyOf(b) ? -1 : 1)), next: null };
  };
  const { items, next } = await mergedPage(ask, kind.keyOf, { after: cursor, limit, cells: cells.shards });
  const answered = headers ?? new Headers();
  if (next !== null) {
    const url = new URL(request.url);
    url.searchParams.set("cursor", next);
    answered.set("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  return new Response(request.method === "HEAD" ? null : JSON.stringify({ items, next }), {
    headers: answered,
  });
}

function urlFor(query: TakenQuery, state: string, { isCells }: Kind, after: string | null, most: number) {
  if (!isCells) return query.with({ state, limit: String(limits.most) });
  return query.with({ state, limit: String(most), ...(after === null ? {} : { cursor: after }) });
}

/** Null where a cell that does not keep the webhook has not heard of it. */
async function askPage(asking: Asking, cell: number, url: string): Promise<Response | null> {
  const response = await asking.ask({ cell, url, method: "GET" }).catch((error: unknown) => {
    throw withoutACell(error);
  });
  if (response.status === 200) return response;
  const refused = await Refused.by(response);
  if (response.status === 404 && cell !== home) return null;
  throw refused;
}
