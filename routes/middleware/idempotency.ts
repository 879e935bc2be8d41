import { createHash } from "node:crypto";
import { createMiddleware } from "hono/factory";
import type { KeptForm } from "../../src/idempotency-record.ts";
import type { StoredAnswer } from "../../src/idempotency.ts";
import { anyone } from "../../src/access/principal.ts";
import { Problem } from "../../src/problem.ts";
import { StoreError } from "../../src/store/store.ts";
import type { AppContext, AppEnv } from "../context.ts";

/**
 * Answers that say that the call was not begun, has no effect, or was given up with its caller (here 401 is that his right
 * to be here has ended): the key stays free for a corrected or later one.
 */
const notBegun = new Set([400, 401, 409, 413, 415, 422, 429, 499]);
const keptHeaders = [
  "content-type",
  "location",
  "etag",
  "retry-after",
  "preference-applied",
  "cache-control",
  // Without these a browser may take a payload for a page.
  "content-disposition",
  "content-security-policy",
  "cross-origin-resource-policy",
  "x-content-type-options",
];

/**
 * `Idempotency-Key`: the first answer is given again, marked `Idempotent-Replayed: true`. Goes after the body's reading.
 * `form` may be `plain` only where neither the request nor its answer can hold a secret, other than what is published.
 */
export function idempotent(form: KeptForm = "sealed") {
  return createMiddleware<AppEnv>(async (c, next) => {
    const key = idempotencyKeyOf(c);
    if (key === null) return next();
    const claim = c.get("tenant").idempotency.claim(key, fingerprintOf(c), form);
    if (claim.kind === "mismatch")
      throw new Problem("idempotency-key-reused", "This Idempotency-Key came with another request before");
    if (claim.kind === "running")
      throw new Problem("idempotency-in-progress", {
        detail: "The first call with this Idempotency-Key has not ended",
        retryAfterSeconds: 1,
      });
    if (claim.kind === "replay") return replay(c, claim.answer);
    let answer: StoredAnswer | null = null;
    try {
      await next();
      if (!leavesFree(c)) answer = await store(c.res);
    } finally {
      // Nothing is answered before it is certain to be answered again.
      await claim.finish(answer);
    }
    return undefined;
  });
}

/**
 * The key of the call, which is its principal's own: two who choose the same one do not meet. Null where there is none.
 *
 * @throws {Problem} `invalid-request`
 */
export function idempotencyKeyOf(c: AppContext): string | null {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return null;
  if (!/^[\u0021-\u007e]{1,255}$/.test(key)) {
    throw new Problem("invalid-request", {
      detail: "Idempotency-Key: expected 1 to 255 visible ASCII characters",
      errors: [{ parameter: "Idempotency-Key", detail: "expected 1 to 255 visible ASCII characters" }],
    });
  }
  const { id } = c.get("principal");
  // Keys have no space.
  return id === anyone ? key : `${id} ${key}`;
}

/** Headers that say what is asked for, besides the body. */
const meant = /^(prefer|content-type|mqtt-.*)$/;

function fingerprintOf(c: AppContext): string {
  const url = new URL(c.req.url);
  const headers = [...c.req.raw.headers].filter(([name]) => meant.test(name));
  return createHash("sha256")
    .update(JSON.stringify([c.req.method, url.pathname, url.search, headers]))
    .update(c.get("body"))
    .digest("base64");
}

function leavesFree({ res, error }: AppContext): boolean {
  if (error instanceof StoreError) return error.kind === "full" || error.kind === "unavailable";
  return notBegun.has(res.status) || (error instanceof Problem && hadNoEffect(error));
}

/** Nothing has been sent, and may be when the call comes again. */
function hadNoEffect({ code, details }: Problem): boolean {
  if (code === "acknowledgement-timeout") return details.duplicatePossible === false;
  return code === "shutting-down" || code === "temporarily-not-connected";
}

async function store(response: Response): Promise<StoredAnswer> {
  const headers = keptHeaders.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { status: response.status, headers, body: new Uint8Array(await response.clone().arrayBuffer()) };
}

function replay(c: AppContext, { status, headers, body }: StoredAnswer): Response {
  return c.newResponse(body, status as 200, {
    ...Object.fromEntries(headers),
    "idempotent-replayed": "true",
  });
}
