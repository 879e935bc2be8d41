import { hostName, type BrowserRules } from "../../src/access/browsers.ts";
import { Problem } from "../../src/problem.ts";
import { isLoopback } from "../../src/settings.ts";
import type { AppContext } from "../context.ts";

/** Pages for people, and what tells how the process is; nothing comes of reading them. New ones are added by hand. */
const pages = /^\/(docs|openapi\.json|problems|problems\/[a-z0-9-]+|healthz|readyz|version|metrics)?$/;

/**
 * Keeps web pages from using this server through somebody's browser, whose network and whose machine it is in.
 *
 * A foreign `Host` is a name that was made to point here (DNS rebinding): 403, as {@link BrowserRules.hosts} has it.
 *
 * A call by a page of another site is refused whatever its method, for some GETs do something: `…/messages?subscribe=`
 * and `…/retained` subscribe at the broker, streams and waits take up room, and an `<img>` or `<script>` makes a GET
 * without asking anybody. Browsers say so themselves, by `Sec-Fetch-Site`, which no page can set, and `Origin`. `same-site`
 * is no better: all servers on `localhost` are one site. Two may pass: a page of an origin that the operator lists, which
 * says `Origin` (and an `<img>` of the same page, which does not, may not); and a link that somebody follows
 * (`Sec-Fetch-Mode: navigate` of a whole document, no frame) to a page that is there for people. Which paths those are
 * is a list, so that a new path is closed until somebody has thought of it.
 *
 * Who sends none of these headers is no browser of today, or one on plain http to another machine, which leaves out
 * `Sec-Fetch-*`; there every caller has a token, which browsers do not add by themselves.
 *
 * What is returned throws `malformed-request`, `forbidden-host` or `cross-site-request`.
 */
export function browserSafety(rules: BrowserRules): (c: AppContext) => void {
  const { corsOrigins } = rules;
  // The same one most of the time, so that it is taken apart once.
  let lastGood: string | null = null;
  return (c) => {
    const { headers } = c.req.raw;
    const host = headers.get("host");
    // HTTP/1.0 may do without, and then one runtime's URL has no host either.
    if (host === null) throw new Problem("malformed-request", "The Host header is missing");
    if (host !== lastGood) {
      if (!isKnown(host, rules))
        throw new Problem(
          "forbidden-host",
          "The Host of this request is not one that this server answers to",
        );
      lastGood = host;
    }
    const origin = headers.get("origin");
    if (origin !== null && corsOrigins.has(origin)) return;
    const site = headers.get("sec-fetch-site");
    const isForeign =
      site === "cross-site" ||
      site === "same-site" ||
      (origin !== null && isForeignOrigin(origin, host, rules));
    if (isForeign && !isFollowedLink(c.req.method, c.req.path, headers))
      throw new Problem("cross-site-request", "This server takes no calls from pages of other sites");
  };
}

function isKnown(host: string, { hosts }: BrowserRules): boolean {
  if (hosts === null) return true;
  const name = hostName(host);
  return isLoopback(name) || hosts.has(name);
}

/** The port counts: another one on the same host is another server. `Host` may say the one that goes without saying. */
function isForeignOrigin(origin: string, host: string, { publicOrigin }: BrowserRules): boolean {
  if (origin === publicOrigin) return false;
  if (!URL.canParse(origin)) return true;
  const { protocol, host: own } = new URL(origin);
  return own !== host.toLowerCase().replace(protocol === "https:" ? /:443$/ : /:80$/, "");
}

/** `Sec-Fetch-Dest` tells a document from a frame, which would be a page of ours within one of theirs. */
function isFollowedLink(method: string, path: string, headers: Headers): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document" &&
    headers.get("origin") === null &&
    pages.test(path)
  );
}
