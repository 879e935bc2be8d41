import { jointHeaders } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import { pageOf, type CellPage, type Place } from "./front-pages.ts";
import { takeFromQuery } from "./front-query.ts";
import type { Cells } from "./cells.ts";

/** As the app has it. */
const limits = { fallback: 100, most: 1_000 };

/**
 * `GET /connections` over all cells: one after another, each in its own order. The cursor is a cell and its own cursor.
 * What the front cannot read is handed to `elsewhere`, the cell that answers for any, whose refusal it is then.
 *
 * @throws {Refused}
 * @throws {Problem} `no-owner`
 */
export async function listConnections(
  cells: Pick<Cells, "call" | "shards">,
  request: Request,
  elsewhere: (request: Request) => Promise<Response>,
): Promise<Response> {
  const query = takeFromQuery(request.url, ["limit", "cursor"]);
  const limit = limitOf(query.values["limit"]);
  const place = placeOf(query.values["cursor"], cells.shards);
  if (limit === null || place === null) {
    // No cell takes a cursor of ours, nor one of its own that comes from without.
    const url = takeFromQuery(request.url, ["cursor"]).with(place === null ? { cursor: "-" } : {});
    return elsewhere(new Request(url, request));
  }
  using asking = new Asking(cells, request);
  let first: Response | null = null;
  const ask = async (questions: readonly { readonly from: Place; readonly limit: number }[]) => {
    const responses = await asking.askAll(
      questions.map(({ from, limit: most }) => ({
        cell: from.cell,
        url: query.with({ limit: String(most), cursor: from.after }),
        method: "GET",
      })),
    );
    first ??= responses[0] ?? null;
    return (await Promise.all(responses.map(jsonOf))) as CellPage[];
  };
  const { items, next } = await pageOf(ask, place, limit, cells.shards);
  const cursor = next === null ? null : `${next.cell.toString(36)}.${next.after}`;
  const headers = jointHeaders(first ?? new Response(null), {});
  if (cursor !== null) {
    const url = new URL(request.url);
    url.searchParams.set("cursor", cursor);
    headers.set("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  const body = request.method === "HEAD" ? null : JSON.stringify({ items, next: cursor });
  return new Response(body, { status: 200, headers });
}

function limitOf(values: readonly string[] = []): number | null {
  const [text, ...more] = values;
  if (text === undefined) return limits.fallback;
  const limit = Number(text);
  return more.length === 0 && /^\d{1,4}$/.test(text) && limit >= 1 && limit <= limits.most ? limit : null;
}

function placeOf(values: readonly string[] = [], shards: number): Place | null {
  const [text, ...more] = values;
  if (text === undefined) return { cell: 0, after: "0" };
  const [, cell = "", after = ""] = /^([0-9a-z]{1,4})\.([0-9a-z]{1,10})$/.exec(text) ?? [];
  const place = { cell: Number.parseInt(cell, 36), after };
  return more.length === 0 && place.cell < shards ? place : null;
}
