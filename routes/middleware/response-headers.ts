import { hostName } from "../../src/access/browsers.ts";
import { isLoopback } from "../../src/settings.ts";
import type { Rate } from "../../src/rate.ts";
import type { AppContext } from "../context.ts";
import { policyOf, ratePolicyHeader } from "./rate.ts";

const policyHeader = "content-security-policy";
/** Answers are data; a page of ours says what else it needs. */
const policy = "default-src 'none'; frame-ancestors 'none'";
/** No route says this by itself: where it is, the others are. */
const referrerHeader = "referrer-policy";
const resourceHeader = "cross-origin-resource-policy";

/** A year in seconds, as RFC 6797 §6.1.1 has it; for this host alone. */
const transportSecurity = "max-age=31536000";

/**
 * Gives an answer, whoever made it, the headers that keep browsers from taking it for something else: nothing may be
 * guessed from its bytes, run in it, frame it, or load it into a page of another origin, unless CORS allows that origin.
 *
 * Written into the answer when there is one: to say them before makes every answer a slow one.
 */
export function protectAnswer(c: AppContext): void {
  const { headers } = c.res;
  const isForAll = headers.has("access-control-allow-origin");
  if (!headers.has(referrerHeader)) {
    headers.set("x-content-type-options", "nosniff");
    headers.set(referrerHeader, "no-referrer");
    headers.set(resourceHeader, isForAll ? "cross-origin" : "same-origin");
    if (!headers.has(policyHeader)) headers.set(policyHeader, policy);
  } else if (isForAll) headers.set(resourceHeader, "cross-origin");
  if (c.req.url.startsWith("https:") && !isOwnMachine(c))
    headers.set("strict-transport-security", transportSecurity);
}

/** The same, and what is always said of a rate, for answers of which there are many: to copy all costs less than to set each. */
export class JsonHeaders {
  readonly #plain = headersWith({});
  readonly #rated = new WeakMap<Rate, Headers>();

  of(rate: Rate | undefined): Headers {
    if (rate === undefined) return this.#plain;
    const known = this.#rated.get(rate);
    if (known !== undefined) return known;
    const made = headersWith({ [ratePolicyHeader]: policyOf(rate) });
    this.#rated.set(rate, made);
    return made;
  }
}

function headersWith(more: Readonly<Record<string, string>>): Headers {
  return new Headers({
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
    [referrerHeader]: "no-referrer",
    [resourceHeader]: "same-origin",
    [policyHeader]: policy,
    ...more,
  });
}

/** Browsers would keep `localhost` to https for every other server on it, whatever its port. */
function isOwnMachine(c: AppContext): boolean {
  return isLoopback(hostName(new URL(c.req.url).host));
}
