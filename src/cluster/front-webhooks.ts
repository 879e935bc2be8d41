import type { RequestContext } from "../app.ts";
import { jointHeaders, Refused, withoutACell } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import { listDeliveries } from "./front-deliveries.ts";
import { replayAll, replayOne } from "./front-replay.ts";
import { jointWebhook, type CellWebhook } from "./front-webhook-view.ts";
import type { Cells } from "./cells.ts";
import { home } from "./front-shard.ts";

/** Answers `/webhooks` and all below it. */
export type AnswerWebhooks = (request: Request, context: RequestContext | undefined) => Promise<Response>;

type Asked = Pick<Cells, "call" | "shards">;

/** The ids go along in the head of a call from node to node, which is bounded. */
const idsAtOnce = 250;
/** What has been changed is changed, whoever is away: its answer does not wait for them for longer. */
const soonMs = 1_000;
/** Of a call whose parts have no body, or are not the same call. */
const ofTheBody = ["content-type", "content-length", "transfer-encoding", "idempotency-key"];

/**
 * Webhooks of all cells as one. The home cell keeps them: it makes, changes, deletes and tests. All cells deliver, each what
 * happens on its own connections: what is told of deliveries is of all of them, and what is done with dead ones is done where
 * they are.
 *
 * @throws {Refused}
 * @throws {Problem} `no-owner`
 */
export function webhooksOfAll(cells: Asked): AnswerWebhooks {
  const atHome: AnswerWebhooks = (request, context) => cells.call(home, request, context);
  return (request, context) => {
    const { method } = request;
    const reads = method === "GET" || method === "HEAD";
    const [first, second, third, fourth, ...more] = segmentsOf(request.url);
    const depth = [first, second, third, fourth].filter((each) => each !== undefined).length + more.length;
    if (reads && depth === 0) return list(cells, request);
    if (reads && depth === 1) return view(cells, request);
    if (method === "PATCH" && depth === 1) return change(cells, request, context);
    if (reads && depth === 2 && second === "deliveries")
      return listDeliveries(cells, request, (own) => atHome(own, context));
    if (method === "POST" && depth === 2 && second === "replay") return replayAll(cells, request);
    if (method === "POST" && depth === 4 && second === "deliveries" && fourth === "replay")
      return replayOne(cells, request, context);
    return atHome(request, context);
  };
}

/** What stands behind `/webhooks`, each decoded by itself, as the cells do. */
function segmentsOf(url: string): readonly string[] {
  const [, , ...segments] = new URL(url).pathname.split("/");
  return segments.map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  });
}

async function list(cells: Asked, request: Request): Promise<Response> {
  using asking = new Asking(cells, request);
  const own = await fromHome(asking, request.url);
  const page = (await jsonOf(own)) as { readonly items: readonly CellWebhook[]; readonly next: unknown };
  const parts = await partsOf(cells, asking, request.url, page.items);
  const items = page.items.map((each) => jointWebhook(each, parts.get(each.id) ?? []));
  return answerAs(request, own, { ...page, items });
}

async function view(cells: Asked, request: Request): Promise<Response> {
  using asking = new Asking(cells, request);
  const own = await fromHome(asking, request.url);
  const webhook = (await jsonOf(own)) as CellWebhook;
  const parts = await partsOf(cells, asking, request.url, [webhook]);
  return answerAs(request, own, jointWebhook(webhook, parts.get(webhook.id) ?? []));
}

async function change(
  cells: Asked,
  request: Request,
  context: RequestContext | undefined,
): Promise<Response> {
  using asking = new Asking(cells, request, ofTheBody);
  const own = await cells.call(home, request, context);
  if (own.status !== 200) return own;
  const webhook = (await jsonOf(own)) as CellWebhook;
  const { promise: late, resolve } = Promise.withResolvers<ReadonlyMap<string, CellWebhook[]>>();
  const timer = setTimeout(() => resolve(new Map()), soonMs);
  const told = partsOf(cells, asking, request.url, [webhook]).catch(() => new Map<string, CellWebhook[]>());
  const parts = await Promise.race([told, late]);
  clearTimeout(timer);
  return answerAs(request, own, jointWebhook(webhook, parts.get(webhook.id) ?? []));
}

/** @throws {Refused} where it is not 200 */
async function fromHome(asking: Asking, url: string): Promise<Response> {
  const response = await asking.ask({ cell: home, url, method: "GET" }).catch((error: unknown) => {
    throw withoutACell(error);
  });
  if (response.status === 200) return response;
  // What is asked is given up when this has thrown.
  throw await Refused.by(response);
}

/** What the other cells say of webhooks, by id, none of which counts as a call; a cell that has not heard of one says nothing. */
async function partsOf(
  { shards }: Asked,
  asking: Asking,
  url: string,
  webhooks: readonly CellWebhook[],
): Promise<ReadonlyMap<string, CellWebhook[]>> {
  const found = new Map<string, CellWebhook[]>();
  const list = new URL("/webhooks", url).href;
  for (let from = 0; from < webhooks.length; from += idsAtOnce) {
    const onlyWebhooks = webhooks.slice(from, from + idsAtOnce).map(({ id }) => id);
    const cells = Array.from({ length: shards }, (_, cell) => cell).filter((cell) => cell !== home);
    const responses = await asking.askAll(
      cells.map((cell) => ({ cell, url: list, method: "GET", context: { onlyWebhooks, isPart: true } })),
    );
    for (const { items } of (await Promise.all(responses.map(jsonOf))) as { items: CellWebhook[] }[])
      for (const item of items) found.set(item.id, [...(found.get(item.id) ?? []), item]);
  }
  return found;
}

function answerAs(request: Request, own: Response, body: object): Response {
  const link = own.headers.get("link");
  const headers = jointHeaders(own, link === null ? {} : { link });
  return new Response(request.method === "HEAD" ? null : JSON.stringify(body), { headers });
}
