import type { Access } from "../../src/access/access.ts";
import type { Pass } from "../../src/access/passes.ts";
import { nobody, type Principal } from "../../src/access/principal.ts";
import type { Refusal } from "../../src/access/tokens.ts";
import type { Problem } from "../../src/problem.ts";
import type { AppContext } from "../context.ts";
import { bearerToken } from "./bearer.ts";
import { sessionOf, sessionSecret } from "./session-cookie.ts";
import { takeTicket } from "./ticket-parameter.ts";
import { tokenInvalid, tokenNeeded } from "./unauthorized.ts";

/** What everybody may see: whether the service is there, and what its answers mean. */
const publicPaths = /^\/(healthz|readyz|(problems|dashboard)(\/[^/]*)?|docs|openapi\.json)?$/;

/**
 * Finds who calls. While access control is on, that takes a token (`Authorization: Bearer`), or, where there is no such
 * header, a stream ticket or a session's cookie; a public path has `nobody` where there is none. A promise only where it
 * takes time. A call from another node needs one where it came in, or here: who may call that node need not be who may call
 * this one.
 *
 * @throws {Problem} `unauthorized`, `cross-site-request`, `authority-unavailable`
 */
export function findPrincipal(c: AppContext, access: Access): Principal | Promise<Principal> {
  const anyone = c.env?.isGuarded === true ? null : access.open;
  return anyone ?? findCaller(c, access);
}

function findCaller(c: AppContext, access: Access): Principal | Promise<Principal> {
  const { headers } = c.req.raw;
  const ticket = takeTicket(c);
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    if (ticket !== null)
      throw tokenInvalid("The call has a stream ticket and an Authorization header, and only one can count");
    const checked = access.check(bearerToken(authorization));
    return checked instanceof Promise ? checked.then(admitted) : admitted(checked);
  }
  if (ticket !== null) {
    if (c.req.method !== "GET") throw ticketInvalid();
    const found = access.find(ticket, () => access.tickets.check(ticket, c.req.path));
    return found instanceof Promise ? found.then(ofTicket) : ofTicket(found);
  }
  const secret = sessionSecret(c);
  if (secret === null || isPublic(c)) return ofSession(c, sessionOf(c, access.sessions));
  const found = access.find(secret, () => sessionOf(c, access.sessions));
  return found instanceof Promise ? found.then((session) => ofSession(c, session)) : ofSession(c, found);
}

function ofTicket(principal: Principal | null): Principal {
  if (principal === null) throw ticketInvalid();
  return principal;
}

function ofSession(c: AppContext, session: Pass | null): Principal {
  if (session !== null) return session.principal;
  if (isPublic(c)) return nobody();
  throw tokenNeeded();
}

function ticketInvalid(): Problem {
  return tokenInvalid("The stream ticket is unknown, revoked or expired, or is for another path");
}

function isPublic({ req }: AppContext): boolean {
  return (req.method === "GET" || req.method === "HEAD") && publicPaths.test(req.path);
}

function admitted(checked: Principal | Refusal): Principal {
  if (checked === "expired") throw tokenInvalid("The token has expired");
  if (checked === "unknown") throw tokenInvalid("The token is not valid: unknown, or revoked");
  return checked;
}
