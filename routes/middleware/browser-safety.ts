import { createMiddleware } from "hono/factory";
import { Problem } from "../../src/problem.ts";
import { isLoopback } from "../../src/settings.ts";
import type { AppEnv } from "../context.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Keeps web pages from using a server on this machine through somebody's browser: a foreign `Host` is a name that was
 * made to point here (DNS rebinding), and a cross-site unsafe method is a page's own call. `allowed` names further hosts.
 */
export function browserSafety(allowed: readonly string[]) {
  const known = new Set(allowed.map((host) => host.toLowerCase()));
  // Not asynchronous itself: it stands in front of every call.
  return createMiddleware<AppEnv>((c, next) => {
    const { headers } = c.req.raw;
    const named = headers.get("host");
    // HTTP/1.0 may do without, and then one runtime's URL has no host either.
    if (named === null) throw new Problem("malformed-request", "The Host header is missing");
    const host = hostName(named);
    if (!isLoopback(host) && !known.has(host)) {
      throw new Problem("forbidden-host", "The Host of this request is not one that this server answers to");
    }
    if (safeMethods.has(c.req.method)) return next();
    const site = headers.get("sec-fetch-site");
    if (site === "cross-site" || site === "same-site" || isForeignOrigin(headers.get("origin"), host))
      throw new Problem("cross-site-request", "This server takes no changes from pages of other sites");
    return next();
  });
}

/** Without port, and without the brackets of an IPv6 address. */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function isForeignOrigin(origin: string | null, host: string): boolean {
  if (origin === null) return false;
  return !URL.canParse(origin) || hostName(new URL(origin).host) !== host;
}
