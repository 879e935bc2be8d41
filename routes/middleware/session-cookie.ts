import { getCookie } from "hono/cookie";
import type { Pass } from "../../src/access/passes.ts";
import { sessionSeconds, type Sessions } from "../../src/access/sessions.ts";
import { Problem } from "../../src/problem.ts";
import type { AppContext } from "../context.ts";

/** The prefix has browsers refuse it unless it is for this host alone, over TLS (or from this machine). */
const name = "__Host-connack";
const attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** What the caller's cookie has, be it a session's or not; null where there is none, or it does not count. */
export function sessionSecret(c: AppContext): string | null {
  const { headers } = c.req.raw;
  if (headers.get("cookie") === null || headers.get("authorization") !== null) return null;
  return getCookie(c, name) ?? null;
}

/**
 * The session of the caller's cookie; null where there is none, or it is over.
 *
 * @throws {Problem} `cross-site-request` where the browser does not say that an unsafe call is from a page of ours
 */
export function sessionOf(c: AppContext, sessions: Sessions): Pass | null {
  const secret = sessionSecret(c);
  const session = secret === null ? null : sessions.find(secret);
  const { headers } = c.req.raw;
  if (session === null || safeMethods.has(c.req.method) || isOwnPage(headers)) return session;
  throw new Problem(
    "cross-site-request",
    "A session's cookie counts for changes from pages of this server only: Sec-Fetch-Site: same-origin, or its own Origin",
  );
}

function isOwnPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  return (
    origin !== null && URL.canParse(origin) && new URL(origin).host === headers.get("host")?.toLowerCase()
  );
}

export function sessionCookie(secret: string): string {
  return `${name}=${secret}; ${attributes}; Max-Age=${sessionSeconds}`;
}

export const noCookie = `${name}=; ${attributes}; Max-Age=0`;
