import type { RequestContext } from "../app.ts";
import type { Budget } from "../budget.ts";
import { GatheredBytes } from "../gathered-bytes.ts";
import { Problem } from "../problem.ts";
import type { Cells } from "./cells.ts";
import { idInShard, shardOf } from "./front-shard.ts";

export interface OpeningOptions {
  readonly cells: Cells;
  readonly newId: () => string;
  /** A body may have so many bytes. */
  readonly maxBodyBytes: number;
  /** Of bodies that are being read. */
  readonly bodyBytes: Budget;
}

/** What a cell takes for JSON; it refuses the rest unread. */
const jsonType = /^application\/([a-z.-]+\+)?json(;\s*[a-z0-9-]+=[^;]+)*$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true });
const maxBytesName = "CONNACK_MAX_BODY_BYTES";
/** A body that may be larger is read only of who is let in: of others, a cell would not read it either. */
const smallBytes = 16_384;

/**
 * `POST /connections`: goes to the shard of the id that its body has. Where that has none, to the best place there is, with
 * a new id that belongs to it; or, with an `Idempotency-Key`, to the place that the key stands for, so that the call meets
 * its own record when it comes again, at whatever node. By the key alone: who calls may have another token by then (a JWT
 * does), and the cell tells apart who has chosen the same one.
 *
 * What no cell would carry out goes to `elsewhere`, unread where possible.
 *
 * @throws {Problem} `content-too-large`, `limit-reached`, `malformed-request`, `request-timeout`
 */
export async function openConnection(
  options: OpeningOptions,
  request: Request,
  context: RequestContext | undefined,
  elsewhere: (request: Request) => Promise<Response>,
): Promise<Response> {
  const { cells, newId } = options;
  const { headers } = request;
  const type = headers.get("content-type");
  const announced = headers.has("transfer-encoding") ? null : headers.get("content-length");
  if (type === null || !jsonType.test(type) || Number(announced) > options.maxBodyBytes)
    return elsewhere(request);
  if (announced === null || Number(announced) > smallBytes) {
    const refusal = await refusalOf(request, elsewhere);
    if (refusal !== null) return refusal;
  }
  const bytes = await inTime(context, () => read(request, announced, options));
  const again = withBody(request, bytes);
  const given = idIn(bytes);
  if (given === "unreadable") return elsewhere(again);
  if (given !== null) return cells.call(shardOf(given.id, cells.shards), again, context);
  const key = headers.get("idempotency-key");
  const shard =
    key === null ? (cells.placement()[0] ?? shardOf("", cells.shards)) : shardOf(key, cells.shards);
  return cells.call(shard, again, contextWith(context, idInShard(newId, shard, cells.shards)));
}

/**
 * What a cell says to who may not come in: from where it is called, by whom, or too often. Asked by a call that does
 * nothing, so that nobody's place is found by a body that nobody has looked at; null where he may.
 */
async function refusalOf(
  { url, headers, signal }: Request,
  elsewhere: (request: Request) => Promise<Response>,
): Promise<Response | null> {
  const own = new Headers(headers);
  for (const name of ["content-length", "content-type", "transfer-encoding", "expect"]) own.delete(name);
  const response = await elsewhere(new Request(new URL("/session", url).href, { headers: own, signal }));
  // 409 is that access control is off.
  if (response.ok || response.status === 409) {
    void response.body?.cancel().catch(() => {});
    return null;
  }
  return response;
}

/** Not spread: what came with the request may be made as it is asked for. */
function contextWith(context: RequestContext | undefined, newId: string): RequestContext {
  const { holdOpen, inTime, peer } = context ?? {};
  return {
    newId,
    ...(holdOpen === undefined ? {} : { holdOpen }),
    ...(inTime === undefined ? {} : { inTime }),
    ...(peer === undefined ? {} : { peer }),
  };
}

async function inTime<T>(context: RequestContext | undefined, reading: () => Promise<T>): Promise<T> {
  try {
    return await (context?.inTime?.(reading) ?? reading());
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("malformed-request", "The body cannot be read to its end");
  }
}

/** Takes its bytes of what there may be while it reads, as the cells do; a body that is the only one is always read. */
async function read(
  { body }: Request,
  announced: string | null,
  { maxBodyBytes, bodyBytes }: OpeningOptions,
): Promise<Uint8Array> {
  const bytes = new GatheredBytes();
  if (body === null) return bytes.take();
  const reserved = announced === null ? maxBodyBytes : Number(announced) || 0;
  const full = bodyBytes.check(reserved);
  if (full !== null && full.used > 0) throw full.problem("bytes of request bodies being read", 1);
  bodyBytes.force(reserved);
  try {
    for await (const chunk of body) {
      if (bytes.length + chunk.length > maxBodyBytes) throw tooLarge(maxBodyBytes);
      bytes.add(chunk);
    }
    return bytes.take();
  } finally {
    bodyBytes.give(reserved);
  }
}

function tooLarge(value: number): Problem {
  return new Problem("content-too-large", {
    detail: `The body is larger than ${value} bytes`,
    limit: { name: maxBytesName, value },
  });
}

/** The same request, with the bytes that were read of it. */
function withBody({ url, method, headers, signal }: Request, bytes: Uint8Array): Request {
  const own = new Headers(headers);
  own.delete("transfer-encoding");
  own.set("content-length", String(bytes.length));
  return new Request(url, { method, headers: own, body: bytes as Uint8Array<ArrayBuffer>, signal });
}

/** The id that a body asks for; null where it asks for none. What is no id that a connection can have is for a cell to refuse. */
function idIn(bytes: Uint8Array): { readonly id: string } | "unreadable" | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof value !== "object" || value === null) return "unreadable";
    if (!Object.hasOwn(value, "id")) return null;
    const { id } = value as { readonly id: unknown };
    return typeof id === "string" ? { id } : "unreadable";
  } catch {
    return "unreadable";
  }
}
