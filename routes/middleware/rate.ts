import { isAnyone } from "../../src/access/principal.ts";
import type { Rate } from "../../src/rate.ts";
import type { Rates } from "../../src/rates.ts";
import type { Tenant } from "../../src/tenant.ts";
import type { AppContext } from "../context.ts";

/** They must answer when everything else is too much. */
const exempt = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * Lets so many calls of a tenant through in a second; whoever is nobody has no tenant, and takes from what there is in all.
 * The answers to those who have a token say how many are left, and all do where `isSaidToAll`.
 *
 * @throws {Problem} `rate-limited`
 */
export function takeRate(c: AppContext, tenant: Tenant | null, rates: Rates, isSaidToAll: boolean): void {
  if (exempt.has(c.req.path) || c.env?.isPart === true) return;
  const rate = (tenant?.rates ?? rates).requests;
  if (isSaidToAll || !isAnyone(c.get("principal"))) c.set("rate", rate);
  const full = rate.take();
  if (full === null) return;
  c.set("rate", rate);
  throw full.problem();
}

export const ratePolicyHeader = "ratelimit-policy";

/** As draft-ietf-httpapi-ratelimit-headers-10 has it: the quota and its window in seconds; what is left, and for how long. */
export function sayRate(c: AppContext): void {
  const rate = c.get("rate");
  if (rate === undefined) return;
  const { headers } = c.res;
  if (!headers.has(ratePolicyHeader)) headers.set(ratePolicyHeader, policyOf(rate));
  headers.set("ratelimit", `${nameOf(rate)};r=${rate.leftThen};t=${rate.secondsToFull}`);
}

/** What of it is the same in every answer. */
export function policyOf(rate: Rate): string {
  return `${nameOf(rate)};q=${rate.most};w=${rate.kind.periodMs / 1_000}`;
}

function nameOf({ setting }: Rate): string {
  return setting.startsWith("CONNACK_TENANT_") ? '"tenant"' : '"server"';
}
