import { timestamp, type Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { Problem } from "../problem.ts";
import { answered } from "../store/answered.ts";
import { StoreError, type Change, type Lease, type Store } from "../store/store.ts";
import type { Expiry } from "./expiry.ts";
import { HeldToken } from "./held-token.ts";
import { LastUsed, type Used } from "./last-used.ts";
import type { Principal } from "./principal.ts";
import { restoreTokens } from "./restore-tokens.ts";
import { hashOf, idInToken, isSameHash, newToken } from "./token.ts";
import { TokenPlaces } from "./token-places.ts";
import {
  accessSpace,
  keepToken,
  keepUse,
  onKey,
  readToken,
  tokenSpace,
  useSpace,
  type TokenView,
} from "./token-record.ts";
import type { TokenRequest } from "./token-request.ts";

export interface TokensDeps {
  readonly store: Pick<Store, "get" | "records" | "commit">;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly expiry: Expiry;
  readonly maxTokens: number;
  /** Of one tenant, other than the default one. */
  readonly tenantMaxTokens: number;
  /** Writes when tokens were used last, where the store is not to be written; many at a time, each minute at most. */
  readonly reportUses?: ((uses: readonly Used[]) => Promise<unknown>) | undefined;
}

/** Why nobody gets in with a text. That a token is expired is said to whoever has it, and to nobody else. */
export type Refusal = "unknown" | "expired";

export interface TokenPage {
  readonly items: readonly TokenView[];
  /** Where the following page begins, null at the end. */
  readonly next: string | null;
}

/** Compared with where there is no such token, so that the answer takes as long. */
const nobodysHash = Buffer.alloc(32);

/**
 * All tokens. They are held in memory, so that a call is checked without asking the store, and kept in it before
 * anybody is told of them. A token that is revoked ends at once, whatever the store says.
 */
export class Tokens {
  readonly #deps: TokensDeps;
  readonly #held = new Map<string, HeldToken>();
  readonly #lastUsed: LastUsed;
  readonly #places: TokenPlaces;
  #order = 0;
  #isOn = false;

  constructor(deps: TokensDeps) {
    this.#deps = deps;
    this.#places = new TokenPlaces(deps.maxTokens, deps.tenantMaxTokens);
    const write = deps.reportUses ?? ((uses: readonly Used[]) => this.#commit(uses.map(keepUse)));
    this.#lastUsed = new LastUsed(write, deps.logger);
  }

  /** Takes up what was kept. To be called once, before anything else. */
  async restore(): Promise<void> {
    const { store, logger } = this.#deps;
    this.#isOn = (await store.get(accessSpace, onKey)) !== null;
    const { tokens, unreadable, orphans } = await restoreTokens(store);
    for (const token of tokens) {
      this.#held.set(token.id, token);
      this.#places.force(token.record.tenant);
      this.#order = Math.max(this.#order, token.record.order);
    }
    if (unreadable > 0)
      logger.warn("tokens in the store cannot be read, and nobody gets in with them", { unreadable });
    if (orphans.length === 0) return;
    // Nothing that is missed when it stays.
    await this.#commit(orphans.map((key): Change => ({ type: "delete", space: useSpace, key }))).catch(
      () => {},
    );
  }

  /** Whether there was a token once: then callers need one, even where the last was revoked. */
  get isOn(): boolean {
    return this.#isOn;
  }

  get size(): number {
    return this.#held.size;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Whose a token is, which somebody has proved that they had when they made something from it; null where it is over. */
  principalOf(id: string): Principal | null {
    const held = this.#held.get(id);
    if (held === undefined || held.isRevoked) return null;
    const { expiresAt } = held.record;
    if (expiresAt !== null && expiresAt <= this.#deps.clock.wall()) return null;
    return held.principal(this.#deps.expiry);
  }

  /** Takes over what has changed in the store, of which this is a copy: what is revoked ends at once. */
  follow(change: Change): void {
    if (change.type === "put" && change.space === accessSpace) this.#isOn = true;
    if (!("space" in change) || change.space !== tokenSpace) return;
    if (change.type === "clear") for (const id of [...this.#held.keys()]) this.#drop(id);
    if (change.type === "delete") this.#drop(change.key);
    if (change.type !== "put" || this.#held.has(change.key)) return;
    const record = readToken(change.key, change.value);
    if (record === null) return;
    this.#held.set(record.id, new HeldToken(record, null));
    this.#places.force(record.tenant);
  }

  /** Notes uses that other nodes tell of. */
  noteUses(uses: readonly Used[]): void {
    for (const { id, lastUsedAt } of uses) {
      const held = this.#held.get(id);
      // Clocks of other nodes may be ahead.
      const at = Math.min(lastUsedAt ?? 0, this.#deps.clock.wall());
      if (held === undefined || at <= (held.lastUsedAt ?? 0)) continue;
      held.lastUsedAt = at;
      this.#lastUsed.note(held);
    }
  }

  /** Who calls with this text, of which `hash` is the hash. */
  check(text: string, hash: Buffer): Principal | Refusal {
    const id = idInToken(text);
    const held = id === null ? undefined : this.#held.get(id);
    const isSame = isSameHash(hash, held?.hash ?? nobodysHash);
    if (held === undefined || !isSame || held.isRevoked) return "unknown";
    const now = this.#deps.clock.wall();
    if (held.record.expiresAt !== null && held.record.expiresAt <= now) {
      held.end(this.#deps.expiry);
      return "expired";
    }
    held.lastUsedAt = now;
    this.#lastUsed.note(held);
    return held.principal(this.#deps.expiry);
  }

  /**
   * Makes a token, which is kept when this resolves; its text is nowhere else.
   *
   * @throws {Problem} `limit-reached`, `invalid-request`
   * @throws {StoreError}
   */
  async create(
    request: TokenRequest,
    tenant: string,
    createdBy: string,
  ): Promise<{ readonly view: TokenView; readonly token: string }> {
    const now = this.#deps.clock.wall();
    if (request.expiresAt !== null && request.expiresAt <= now) throw inThePast(now);
    this.#places.take(tenant);
    const { id, text } = newToken();
    this.#order += 1;
    const hash = hashOf(text).toString("base64");
    const made = { ...request, id, tenant, createdAt: now, createdBy, order: this.#order, hash };
    const held = new HeldToken(made, null);
    try {
      await this.#commit([
        keepToken(made),
        { type: "put", space: accessSpace, key: onKey, value: timestamp(now) },
      ]);
    } catch (error) {
      // It may be there, with nobody who knows its text: then it is listed, so that it can be taken away.
      if (error instanceof StoreError && error.kind === "unknown") this.#held.set(id, held);
      else this.#places.give(tenant);
      throw error;
    }
    this.#isOn = true;
    this.#held.set(id, held);
    return { view: held.view(), token: text };
  }

  /** @throws {Problem} `not-found`, also for a token that `mayRule` says no to */
  get(id: string, mayRule: (tenant: string) => boolean): TokenView {
    return this.#find(id, mayRule).view();
  }

  /** A page, in the order in which they were made; of one tenant, unless it is null. */
  list(tenant: string | null, limit: number, after: string | null): TokenPage {
    const from = after === null ? 0 : Number.parseInt(after, 36);
    const items: TokenView[] = [];
    let last = 0;
    for (const held of this.#held.values()) {
      const { record } = held;
      if (record.order <= from || (tenant !== null && record.tenant !== tenant)) continue;
      if (items.length === limit) return { items, next: last.toString(36) };
      items.push(held.view());
      last = record.order;
    }
    return { items, next: null };
  }

  /**
   * Ends a token, and all that goes on with it, at once; resolves when the store has let go of it. Where the store fails
   * it is over all the same, until a restart: it stays in lists, and can be revoked again.
   *
   * @throws {Problem} `not-found`
   * @throws {StoreError}
   */
  async revoke(id: string, mayRule: (tenant: string) => boolean): Promise<void> {
    const held = this.#find(id, mayRule);
    held.revoke(this.#deps.expiry);
    this.#lastUsed.forget(held);
    await this.#commit([
      { type: "delete", space: tokenSpace, key: id },
      { type: "delete", space: useSpace, key: id },
    ]);
    // Two may have revoked it at once.
    if (this.#held.delete(id)) this.#places.give(held.record.tenant);
  }

  /** Writes what was not written yet. Never rejects. */
  flush(): Promise<void> {
    return this.#lastUsed.flush();
  }

  #drop(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.revoke(this.#deps.expiry);
    this.#lastUsed.forget(held);
    this.#held.delete(id);
    this.#places.give(held.record.tenant);
  }

  #find(id: string, mayRule: (tenant: string) => boolean): HeldToken {
    const held = this.#held.get(id);
    if (held === undefined || !mayRule(held.record.tenant))
      throw new Problem("not-found", "There is no token with this id");
    return held;
  }

  #commit(changes: readonly Change[]): Promise<unknown> {
    const { store, lease } = this.#deps;
    return answered(store.commit(lease, changes));
  }
}

function inThePast(now: number): Problem {
  const detail = `expected a time that is still to come; it is ${timestamp(now)}`;
  return new Problem("invalid-request", {
    detail: `/expiresAt: ${detail}`,
    errors: [{ pointer: "/expiresAt", detail }],
  });
}
