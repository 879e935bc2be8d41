import type { Expiry } from "./expiry.ts";
import type { Principal } from "./principal.ts";
import { Tenure } from "./tenure.ts";
import { viewOfToken, type TokenRecord, type TokenView } from "./token-record.ts";

/** One token in memory. Most of many tokens are not in use: they have a principal when they are used first. */
export class HeldToken {
  readonly record: TokenRecord;
  lastUsedAt: number | null;
  #principal: Principal | null = null;
  #hash: Buffer | null = null;
  #isRevoked = false;

  constructor(record: TokenRecord, lastUsedAt: number | null) {
    this.record = record;
    this.lastUsedAt = lastUsedAt;
  }

  get id(): string {
    return this.record.id;
  }

  /** SHA-256 of its text, in bytes as soon as it is in use. */
  get hash(): Buffer {
    return (this.#hash ??= Buffer.from(this.record.hash, "base64"));
  }

  /** Nobody gets in with it, whether the store has let go of it or not. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** Who calls with it: the same one each time. `expiry` ends its tenure. */
  principal(expiry: Expiry): Principal {
    return (this.#principal ??= this.#makePrincipal(expiry));
  }

  revoke(expiry: Expiry): void {
    this.#isRevoked = true;
    this.end(expiry);
  }

  /** Ends what goes on with it. */
  end(expiry: Expiry): void {
    if (this.#principal === null) return;
    expiry.delete(this.#principal.tenure);
    this.#principal.tenure.end();
  }

  view(): TokenView {
    return viewOfToken(this.record, this.lastUsedAt);
  }

  #makePrincipal(expiry: Expiry): Principal {
    const { id, tenant, scopes, publish, subscribe, expiresAt } = this.record;
    const tenure = new Tenure();
    if (expiresAt !== null) expiry.add(tenure, expiresAt);
    return { id, tenant, scopes: new Set(scopes), publish, subscribe, tenure };
  }
}
