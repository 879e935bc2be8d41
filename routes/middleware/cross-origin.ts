import { cors } from "hono/cors";
import type { BrowserRules } from "../../src/access/browsers.ts";
import { optionHeaders } from "../publish-options.ts";

const requestHeaders = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "Prefer",
  "X-Request-Id",
  ...optionHeaders,
];

const answerHeaders = [
  "Location",
  "ETag",
  "Link",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "X-Request-Id",
  "Idempotent-Replayed",
  "Preference-Applied",
  "Connack-Last-Event-Id",
];

/** Seconds for which a browser asks no further preflight; no browser takes more than a day. */
const preflightMaxAge = 7_200;

/**
 * Lets pages of the origins that the operator lists call, and read the answers. No credentials: a token is given by the
 * page itself, and there are no cookies that a browser could add.
 */
export function crossOrigin({ corsOrigins }: BrowserRules) {
  return cors({
    origin: [...corsOrigins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: requestHeaders,
    exposeHeaders: answerHeaders,
    maxAge: preflightMaxAge,
  });
}
