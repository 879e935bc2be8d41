import { Problem } from "../problem.ts";
import { Passes, type Pass } from "./passes.ts";
import { hasScope, isOperator, type Principal, type Scope } from "./principal.ts";

/** What reads one stream, for who cannot send a header: a browser's EventSource. */
export interface Ticket extends Pass {
  /** The one path that it is good for, as it stands in the request. */
  readonly path: string;
}

const lifetimeMs = 3_600_000;
/** What a ticket can do at most. */
const readingScopes: readonly Scope[] = ["connections:read", "subscribe"];
const readable = /^\/(events|connections\/[A-Za-z0-9._~-]{1,64}\/(events|messages))$/;

/** Whether a path is one that a ticket can be for. */
export function isTicketPath(path: string): boolean {
  return readable.test(path);
}

/** Stream tickets. They run out for who opens a stream, and not for a stream that is open. */
export class Tickets implements Disposable {
  readonly #passes: Passes<Ticket>;
  readonly #wall: () => number;

  constructor(wall: () => number) {
    this.#wall = wall;
    this.#passes = new Passes({ prefix: "st_", name: "stream tickets", wall, endsWork: false });
  }

  /** @throws {Problem} `forbidden` where there is nothing that the caller may read, `limit-reached` */
  create(owner: Principal, path: string): { readonly ticket: Ticket; readonly secret: string } {
    const scopes = new Set(readingScopes.filter((scope) => hasScope(owner, scope)));
    if (scopes.size === 0)
      throw new Problem(
        "forbidden",
        "The token has neither the scope connections:read nor subscribe, so that a ticket of it could read nothing",
      );
    // One for events is for no messages, which could be joined to them.
    if (path === "/events") scopes.delete("subscribe");
    const expiresAt = this.#wall() + lifetimeMs;
    const { pass, secret } = this.#passes.add(owner, (id, tenure) => {
      const { tenant, publish, subscribe } = owner;
      return { id, owner, path, expiresAt, principal: { id, tenant, scopes, publish, subscribe, tenure } };
    });
    return { ticket: pass, secret };
  }

  /** Who calls with a ticket; null where it is unknown, has run out, or is for another path. */
  check(secret: string, path: string): Principal | null {
    const ticket = this.#passes.find(secret);
    return ticket === null || ticket.path !== path ? null : ticket.principal;
  }

  /**
   * Ends a ticket, and the streams that were opened with it. Who made it may, and who rules over its tenant.
   *
   * @throws {Problem} `not-found`
   */
  revoke(id: string, caller: Principal): void {
    const ticket = this.#passes.byId(id);
    if (ticket === null || !mayRevoke(caller, ticket))
      throw new Problem("not-found", "There is no stream ticket with this id");
    this.#passes.end(ticket);
  }

  [Symbol.dispose](): void {
    this.#passes[Symbol.dispose]();
  }
}

function mayRevoke(caller: Principal, { owner }: Ticket): boolean {
  if (isOperator(caller)) return true;
  return caller.tenant === owner.tenant && (caller.id === owner.id || caller.scopes.has("admin"));
}
