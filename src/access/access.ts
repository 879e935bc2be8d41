import type { Secret } from "../secret.ts";
import { Expiry } from "./expiry.ts";
import { defaultTenant, openPrincipal, scopes, type Principal } from "./principal.ts";
import { Sessions } from "./sessions.ts";
import { Tenure } from "./tenure.ts";
import { Tickets } from "./tickets.ts";
import { hashOf, isSameHash } from "./token.ts";
import { Tokens, type Refusal, type TokensDeps } from "./tokens.ts";

/** What checks tokens that others have made (JWT); ends their tenures by the `Expiry` that it was made with. */
export interface ForeignTokens {
  /** Whether the text looks like one. */
  isOne(text: string): boolean;
  /** Who calls; a promise where that takes time. */
  check(text: string, hash: Buffer): Principal | Refusal | Promise<Principal | Refusal>;
}

export interface AccessDeps extends Omit<TokensDeps, "expiry"> {
  readonly adminToken: Secret | null;
  /** Who everybody is while access control is off; with every right, unless told. */
  readonly anyone?: Principal | undefined;
  readonly foreign: ((expiry: Expiry) => ForeignTokens) | null;
}

/** The id of the principal, and of the token, that is a setting. */
export const adminId = "admin";

/** Who gets in. Whether access control is on is decided at the start. */
export class Access implements AsyncDisposable {
  readonly tokens: Tokens;
  readonly tickets: Tickets;
  readonly sessions: Sessions;
  /** Who everybody is while access control is off; null while it is on. */
  readonly open: Principal | null;
  readonly #foreign: ForeignTokens | null;
  readonly #admin: { readonly hash: Buffer; readonly principal: Principal } | null;
  readonly #expiry: Expiry;

  private constructor(
    tokens: Tokens,
    expiry: Expiry,
    { anyone, adminToken, foreign, clock, logger }: AccessDeps,
  ) {
    this.tokens = tokens;
    this.#expiry = expiry;
    this.tickets = new Tickets(clock.wall);
    this.sessions = new Sessions(clock.wall);
    this.#foreign = foreign?.(expiry) ?? null;
    this.#admin =
      adminToken === null ? null : { hash: hashOf(adminToken.reveal()), principal: adminPrincipal() };
    const isOn = this.#admin !== null || this.#foreign !== null || tokens.isOn;
    if (isOn && this.#admin === null && this.#foreign === null && tokens.size === 0)
      logger.warn("access control is on, and no token is left: nobody gets in until one is made, or set");
    this.open = isOn ? null : (anyone ?? openPrincipal());
  }

  /** @throws {StoreError} */
  static async start(deps: AccessDeps): Promise<Access> {
    const expiry = new Expiry(deps.clock.wall);
    const tokens = new Tokens({ ...deps, expiry });
    await tokens.restore();
    return new Access(tokens, expiry, deps);
  }

  get isOpen(): boolean {
    return this.open !== null;
  }

  /** Who calls with the token of an `Authorization` header. Only a JWT that was not seen before takes time. */
  check(text: string): Principal | Refusal | Promise<Principal | Refusal> {
    const hash = hashOf(text);
    if (this.#admin !== null && isSameHash(hash, this.#admin.hash)) return this.#admin.principal;
    if (this.#foreign !== null && this.#foreign.isOne(text)) return this.#foreign.check(text, hash);
    return this.tokens.check(text, hash);
  }

  /** When somebody's right runs out, of the wall clock in milliseconds; null where it does not. */
  endOf({ tenure }: Principal): number | null {
    return this.#expiry.endOf(tenure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#expiry[Symbol.dispose]();
    this.tickets[Symbol.dispose]();
    this.sessions[Symbol.dispose]();
    await this.tokens.flush();
  }
}

function adminPrincipal(): Principal {
  return {
    id: adminId,
    tenant: defaultTenant,
    scopes: new Set(scopes),
    publish: null,
    subscribe: null,
    tenure: new Tenure(),
  };
}
