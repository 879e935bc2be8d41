import { createMiddleware } from "hono/factory";
import { Problem } from "../../src/problem.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { readJson } from "./json-text.ts";

/** In the time that there is for it; a body that breaks off, or whose chunks are none, is the caller's fault. */
export async function reading<T>(c: AppContext, read: () => Promise<T>): Promise<T> {
  try {
    return await (c.env?.inTime?.(read) ?? read());
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("malformed-request", "The body cannot be read to its end");
  }
}

/** What the schema's own reading takes for JSON, no more: it would call the rest a defect. */
const jsonType = /^application\/([a-z.-]+\+)?json(;\s*[a-z0-9-]+=[^;]+)*$/i;

/** Leaves out a byte order mark at the very start, as {@link withoutByteOrderMark} does. */
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Lets only JSON through: the media type, and a body that parses. `optional` takes an absent body for `{}`, whatever
 * its type is said to be. The schema's own reading takes the text from the request's cache: the one that was looked at.
 */
export function jsonBody(options: { readonly optional: boolean } = { optional: false }) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const type = c.req.header("content-type");
    const text = decode(await reading(c, () => c.req.arrayBuffer()));
    c.set("body", text);
    if (text === "" && options.optional) {
      c.req.raw = withoutBody(c.req.raw);
      return next();
    }
    if (type !== undefined && !jsonType.test(type)) {
      throw new Problem(
        "unsupported-media-type",
        `This call reads application/json, not ${type.slice(0, 100)}`,
      );
    }
    if (type === undefined && text !== "")
      throw new Problem(
        "unsupported-media-type",
        "This call reads application/json; Content-Type is missing",
      );
    if (text === "") throw new Problem("malformed-request", "The body is empty; a JSON object is needed");
    const read = readJson(text, "body");
    if (!read.ok) throw read.problem;
    // Its type says string, and what is read there is a promise.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
    return next();
  });
}

/** Not by `text()`, which puts U+FFFD where the bytes are not UTF-8: a password would be another one. */
function decode(bytes: ArrayBuffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem("malformed-request", "The body is not valid UTF-8");
  }
}

/** The schema's own reading looks at the type even where there is nothing to read, and curl always sends one. */
function withoutBody({ url, method, headers, signal }: Request): Request {
  const others = new Headers(headers);
  others.delete("content-type");
  return new Request(url, { method, headers: others, signal });
}
