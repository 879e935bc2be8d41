import type { Logger } from "../log.ts";
import type { Secret } from "../secret.ts";
import { Admin } from "./admin.ts";
import { Expiry } from "./expiry.ts";
import type { Used } from "./last-used.ts";
import type { Followed } from "./followed.ts";
import { PassBook } from "./pass-book.ts";
import { openPrincipal, type Principal } from "./principal.ts";
import { Sessions } from "./sessions.ts";
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

interface CommonDeps {
  readonly adminToken: Secret | null;
  /** Who everybody is while access control is off; with every right, unless told. */
  readonly anyone?: Principal | undefined;
  readonly foreign: ((expiry: Expiry) => ForeignTokens) | null;
}

/** Other nodes follow this store, and tell which tokens they have seen. */
export interface AccessHome {
  /** Calls `listener` with them, until the returned function is called. */
  readonly heardUses: (listener: (uses: readonly Used[]) => void) => () => void;
}

export interface AccessDeps extends CommonDeps, Omit<TokensDeps, "expiry" | "reportUses"> {
  /** With it sessions and stream tickets are kept in the store: for a restart, and for nodes that follow. */
  readonly home?: AccessHome | undefined;
}

export interface FollowingAccessDeps extends CommonDeps {
  readonly logger: Logger;
  readonly followed: Followed;
}

interface Parts {
  readonly tokens: Tokens;
  readonly expiry: Expiry;
  readonly sessions: Sessions;
  readonly tickets: Tickets;
  readonly admin: Admin | null;
  readonly followed: Followed | null;
  /** Ends what is this one's own. */
  readonly end: () => Promise<void>;
}

/**
 * Who gets in. Whether access control is on is decided at the start; but a node that follows another one hears of the first
 * token, and takes nobody without one from then on.
 */
export class Access implements AsyncDisposable {
  readonly tokens: Tokens;
  readonly tickets: Tickets;
  readonly sessions: Sessions;
  readonly #foreign: ForeignTokens | null;
  readonly #admin: Admin | null;
  readonly #expiry: Expiry;
  readonly #followed: Followed | null;
  readonly #end: () => Promise<void>;
  #open: Principal | null;

  private constructor(parts: Parts, { anyone, foreign, logger }: CommonDeps & { readonly logger: Logger }) {
    const { tokens, expiry, sessions, tickets, admin, followed, end } = parts;
    this.tokens = tokens;
    this.#expiry = expiry;
    this.tickets = tickets;
    this.sessions = sessions;
    this.#foreign = foreign?.(expiry) ?? null;
    this.#admin = admin;
    this.#followed = followed;
    this.#end = end;
    const isOn = this.#admin !== null || this.#foreign !== null || tokens.isOn;
    if (isOn && this.#admin === null && this.#foreign === null && tokens.size === 0)
      logger.warn("access control is on, and no token is left: nobody gets in until one is made, or set");
    this.#open = isOn ? null : (anyone ?? openPrincipal());
  }

  /** @throws {StoreError} */
  static async start(deps: AccessDeps): Promise<Access> {
    const { store, lease, clock, adminToken, foreign, home } = deps;
    const { wall } = clock;
    const expiry = new Expiry(wall);
    const tokens = new Tokens({ ...deps, expiry });
    await tokens.restore();
    const admin = adminToken === null ? null : new Admin(adminToken);
    const own = { tokens, expiry, admin, wall };
    const book = home ? new PassBook({ ...own, takesForeign: foreign !== null }, { store, lease }) : null;
    await book?.restore(store);
    const sessions = book?.sessions ?? new Sessions(wall);
    const tickets = book?.tickets ?? new Tickets(wall);
    const unlisten = home?.heardUses((uses) => tokens.noteUses(uses));
    const end = async () => {
      unlisten?.();
      expiry[Symbol.dispose]();
      tickets[Symbol.dispose]();
      sessions[Symbol.dispose]();
      await book?.[Symbol.asyncDispose]();
      await tokens.flush();
    };
    return new Access({ ...own, sessions, tickets, followed: null, end }, deps);
  }

  /** As `start`, where another node owns the tokens: nothing can be made or revoked here. `followed` outlives it. */
  static follow(deps: FollowingAccessDeps): Access {
    const { adminToken, followed, logger } = deps;
    const { tokens, expiry, book } = followed;
    const { sessions, tickets } = book;
    const admin = adminToken === null ? null : new Admin(adminToken);
    const unlisten = followed.onSwitchedOn(() => access.#switchOn(logger));
    const end = async () => unlisten();
    const access = new Access({ tokens, expiry, sessions, tickets, admin, followed, end }, deps);
    return access;
  }

  /** Who everybody is while access control is off; null while it is on. */
  get open(): Principal | null {
    return this.#open;
  }

  get isOpen(): boolean {
    return this.open !== null;
  }

  /**
   * Who calls with the token of an `Authorization` header. Only what was not seen before takes time: a JWT, and, on
   * a node that follows, a token.
   *
   * @throws {Problem} `authority-unavailable`
   */
  check(text: string): Principal | Refusal | Promise<Principal | Refusal> {
    const hash = hashOf(text);
    if (this.#admin !== null && isSameHash(hash, this.#admin.hash)) return this.#admin.principal;
    if (this.#foreign !== null && this.#foreign.isOne(text)) return this.#foreign.check(text, hash);
    return this.#followed === null ? this.tokens.check(text, hash) : this.#followed.check(text, hash);
  }

  /**
   * What `look` finds by a secret in `sessions` or `tickets`; a promise only where that takes time, since it may have been
   * made on another node a moment ago.
   *
   * @throws {Problem} `authority-unavailable`
   */
  find<T>(secret: string, look: () => T | null): T | null | Promise<T | null> {
    return this.#followed === null ? look() : this.#followed.find(secret, look);
  }

  /** When somebody's right runs out, of the wall clock in milliseconds; null where it does not. */
  endOf({ tenure }: Principal): number | null {
    return this.#expiry.endOf(tenure);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }

  #switchOn(logger: Logger): void {
    const { open } = this;
    if (open === null) return;
    this.#open = null;
    logger.warn("access control is on from now: there is a token");
    open.tenure.end();
  }
}
