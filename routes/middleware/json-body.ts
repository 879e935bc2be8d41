import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Problem } from "../../src/problem.ts";
import type { AppEnv } from "../context.ts";
import { findUnreadable } from "./json-shape.ts";
import { pointerTo } from "./problems.ts";

/** Reads at most `maxBytes` of a body, whether its length is announced or it comes in chunks. */
export function limitBody(maxBytes: number) {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new Problem("content-too-large", {
        detail: `The body is larger than ${maxBytes} bytes`,
        limit: { name: "CONNACK_MAX_BODY_BYTES", value: maxBytes },
      });
    },
  });
}

/**
 * Lets only JSON through: the media type, and a body that parses. `optional` lets an absent body through. The
 * schema's own reading takes the parsed value from the request's cache.
 */
export function jsonBody(options: { readonly optional: boolean } = { optional: false }) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const type = c.req.header("content-type");
    const text = await c.req.text();
    c.set("body", text);
    if (text === "" && options.optional) return next();
    if (type !== undefined && !/^application\/(json|[a-z0-9.-]+\+json)\s*(;|$)/i.test(type)) {
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
    checkJson(text);
    return next();
  });
}

function checkJson(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem("malformed-request", "The body is not valid JSON");
  }
  const found = findUnreadable(value);
  if (found === null) return;
  const pointer = pointerTo(found.path);
  throw new Problem("invalid-request", {
    detail: `${pointer}: ${found.detail}`,
    errors: [{ pointer, detail: found.detail }],
  });
}
