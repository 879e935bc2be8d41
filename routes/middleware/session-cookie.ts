import { getCookie } from "hono/cookie";
import type { Pass } from "../../src/access/passes.ts";
import { sessionSeconds, type Sessions } from "../../src/access/sessions.ts";
import { Problem } from "../../src/problem.ts";
import type { AppContext } from "../context.ts";

/** The prefix has browsers refuse it unless it is for this host alone, over TLS (or from this machine). */
const name = "__Host-connack";
const attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The session of the caller's cookie; null where there is none, or it is over.
 *
 * @throws {Problem} `cross-site-request` where the browser does not say that an unsafe call is from a page of ours
 */
export function sessionOf(c: AppContext, sessions: Sessions): Pass | null {
  const { headers } = c.req.raw;
  if (headers.get("cookie") === null || headers.get("authorization") !== null) return null;
  const secret = getCookie(c, name);
  const session = secret === undefined ? null : sessions.find(secret);
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
