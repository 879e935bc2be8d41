import { isUtf8 } from "node:buffer";
import { Breaks } from "../src/breaks.ts";
import type { Budget } from "../src/budget.ts";
import { CallerLeft } from "../src/connection/operations.ts";
import { GatheredBytes } from "../src/gathered-bytes.ts";
import { Problem } from "../src/problem.ts";
import { readJson, withoutByteOrderMark } from "./middleware/json-text.ts";

export interface BodyLimit {
  readonly name: string;
  readonly value: number;
}

const nothing = Buffer.alloc(0);

/**
 * The body, whether its length is announced or it comes in chunks; of one that is too large, no more than shows it. While
 * it is read, it takes its bytes of `budget`.
 *
 * @throws {Problem} `content-too-large`, `limit-reached`
 * @throws {CallerLeft} when it does not come to its end
 */
export async function readBody(request: Request, limit: BodyLimit, budget: Budget): Promise<Buffer> {
  const { headers } = request;
  const length = headers.get("content-length");
  // Looked at first, because asking one runtime for a stream costs more than all of the reading.
  if (length !== null && !headers.has("transfer-encoding")) {
    if (Number(length) > limit.value) throw tooLarge(limit);
    const announced = Number(length) || 0;
    reserve(budget, announced);
    // One function that waits, and no more: there are many of these at once.
    try {
      return Buffer.from(await request.arrayBuffer());
    } catch {
      throw new CallerLeft();
    } finally {
      budget.give(announced);
    }
  }
  if (request.body === null) return nothing;
  reserve(budget, limit.value);
  try {
    return await readChunks(request.body, limit);
  } finally {
    budget.give(limit.value);
  }
}

async function readChunks(body: ReadableStream<Uint8Array>, limit: BodyLimit): Promise<Buffer> {
  const bytes = new GatheredBytes();
  const breaks = new Breaks();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new CallerLeft();
    });
    if (done) return bytes.take();
    if (bytes.length + value.length > limit.value) throw tooLarge(limit);
    bytes.add(value);
    await breaks.take();
  }
}

/**
 * Takes so many bytes. A body that is the only one is always read: what a single one may have is another setting's.
 *
 * @throws {Problem} `limit-reached`
 */
function reserve(budget: Budget, bytes: number): void {
  const full = budget.check(bytes);
  if (full !== null && full.used > 0) throw full.problem("bytes of request bodies being read", 1);
  budget.force(bytes);
}

function tooLarge({ name, value }: BodyLimit): Problem {
  return new Problem("content-too-large", {
    detail: `The body is larger than ${value} bytes`,
    limit: { name, value },
  });
}

/** @throws {Problem} `malformed-request`, `invalid-request` */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new Problem("malformed-request", "The body is empty; JSON is needed");
  // Not by a reading that puts U+FFFD where the bytes are not UTF-8: the payload would be another one.
  if (!isUtf8(bytes)) throw new Problem("malformed-request", "The body is not valid UTF-8");
  const read = readJson(withoutByteOrderMark(bytes.toString("utf8")), "body");
  if (!read.ok) throw read.problem;
  return read.value;
}
