import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { Listeners } from "../listeners.ts";
import { Problem } from "../problem.ts";
import type { Secret } from "../secret.ts";
import type { Following } from "../store/following.ts";
import { StoreError, type Change } from "../store/store.ts";
import { Admin } from "./admin.ts";
import { Expiry } from "./expiry.ts";
import type { Used } from "./last-used.ts";
import { PassBook } from "./pass-book.ts";
import { idInToken } from "./token.ts";
import { Tokens, type Refusal } from "./tokens.ts";
import type { Principal } from "./principal.ts";

export interface FollowedDeps {
  readonly following: Following;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly adminToken: Secret | null;
  /** Whether tokens of others (JWT) are taken. */
  readonly takesForeign: boolean;
  /** Brings to the owner when tokens were used last; many at a time, each minute at most. Without it, that is not noted. */
  readonly reportUses?: ((uses: readonly Used[]) => Promise<unknown>) | undefined;
}

/** What somebody has made elsewhere is waited for so long, before it is said that it cannot be known. */
const settleWithinMs = 1_000;
/** So many wait for that at a time: guesses are many. */
const mostWaiting = 1_000;
/** After so long without word from the servers nothing that they have counts any more: it may have been revoked. */
const mostBehindMs = 60_000;
/** Secrets of sessions and tickets. */
const secretForm = /^[A-Za-z0-9_-]{43}$/;

/**
 * Tokens, sessions and stream tickets on a node that does not own them. They come and go with the copy that it follows,
 * within milliseconds. What is not known may have been made elsewhere a moment ago: before it is refused, the copy catches
 * up, for a second at most, and where it cannot, that is 503 and not 401. What is known counts on while the servers are
 * away, for 60 seconds, and then it is 503, too: so long a revocation can go unseen by a node that is cut off. The admin
 * token and JWTs, which are not in the store, count whatever it does. One for all cells of a node.
 */
export class Followed implements AsyncDisposable {
  readonly tokens: Tokens;
  readonly book: PassBook;
  readonly expiry: Expiry;
  readonly #following: Following;
  /** By what is not in the store. */
  readonly #isOnAnyway: boolean;
  readonly #switched = new Listeners();
  /** What has changed while what was there before is being read. */
  #early: (readonly Change[])[] | null = [];
  readonly #unlisten: () => void;
  #waiting = 0;

  private constructor(deps: FollowedDeps) {
    const { following, clock, logger, adminToken, takesForeign } = deps;
    // What is noted is more than what others are to get.
    const reportUses = async (uses: readonly Used[]) =>
      deps.reportUses?.(uses.map(({ id, lastUsedAt }) => ({ id, lastUsedAt })));
    this.#following = following;
    this.#isOnAnyway = adminToken !== null || takesForeign;
    this.expiry = new Expiry(clock.wall);
    this.tokens = new Tokens({
      ...{ clock, logger, expiry: this.expiry, lease: { token: "" }, reportUses },
      ...{ maxTokens: Infinity, tenantMaxTokens: Infinity },
      store: {
        get: (space, key) => following.get(space, key),
        records: (space, after, limit) => following.records(space, after, limit),
        commit: () => Promise.reject(new StoreError("fenced", "Another node owns the store")),
      },
    });
    const admin = adminToken === null ? null : new Admin(adminToken);
    this.book = new PassBook(
      { tokens: this.tokens, admin, takesForeign, expiry: this.expiry, wall: clock.wall },
      null,
    );
    this.#unlisten = following.onChange((changes) => {
      if (this.#early === null) this.#follow(changes);
      else this.#early.push(changes);
    });
  }

  static async start(deps: FollowedDeps): Promise<Followed> {
    const followed = new Followed(deps);
    await followed.tokens.restore();
    await followed.book.restore(deps.following);
    const early = followed.#early ?? [];
    followed.#early = null;
    for (const changes of early) followed.#follow(changes);
    return followed;
  }

  /** Whether callers of this node need a token. */
  get isOn(): boolean {
    return this.#isOnAnyway || this.tokens.isOn;
  }

  /** Calls `listener` when there is a token for the first time, until the returned function is called. */
  onSwitchedOn(listener: () => void): () => void {
    return this.#switched.add(listener);
  }

  /** @throws {Problem} `authority-unavailable` */
  check(text: string, hash: Buffer): Principal | Refusal | Promise<Principal | Refusal> {
    this.#requireFresh();
    const found = this.tokens.check(text, hash);
    const id = idInToken(text);
    // Of a token that is known, nothing is to come; and what does not look like one is none.
    if (found !== "unknown" || id === null || this.tokens.has(id)) return found;
    return this.#settle().then(() => this.tokens.check(text, hash));
  }

  /**
   * What `look` finds by a session's or ticket's secret, now or when the copy has caught up.
   *
   * @throws {Problem} `authority-unavailable`
   */
  find<T>(secret: string, look: () => T | null): T | null | Promise<T | null> {
    this.#requireFresh();
    const found = look();
    if (found !== null || !secretForm.test(secret)) return found;
    return this.#settle().then(look);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten();
    this.expiry[Symbol.dispose]();
    await this.book[Symbol.asyncDispose]();
    await this.tokens.flush();
  }

  #follow(changes: readonly Change[]): void {
    const wasOn = this.tokens.isOn;
    for (const change of changes) this.tokens.follow(change);
    this.book.follow(changes);
    if (this.tokens.isOn && !wasOn) this.#switched.call();
  }

  #requireFresh(): void {
    if (this.#following.behindMs > mostBehindMs)
      throw unavailable("This node has not heard for a minute which tokens there are", 5);
  }

  async #settle(): Promise<void> {
    if (this.#waiting >= mostWaiting) throw unavailable("Many callers wait to be looked up", 1);
    this.#waiting += 1;
    try {
      await this.#following.caughtUp(AbortSignal.timeout(settleWithinMs));
    } catch {
      throw unavailable("This node cannot find out at present whether there is such a token", 1);
    } finally {
      this.#waiting -= 1;
    }
  }
}

function unavailable(detail: string, retryAfterSeconds: number): Problem {
  return new Problem("authority-unavailable", { detail, retryAfterSeconds });
}
