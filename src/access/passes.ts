import { randomBytes } from "node:crypto";
import { Problem } from "../problem.ts";
import type { Principal } from "./principal.ts";
import { Tenure } from "./tenure.ts";
import { hashOf } from "./token.ts";

/** A short-lived right that somebody with a token has made from it, and that ends with it. */
export interface Pass {
  readonly id: string;
  /** Who made it. */
  readonly owner: Principal;
  /** What it gives. */
  readonly principal: Principal;
  /** Of the wall clock, in milliseconds. */
  readonly expiresAt: number;
}

/** Keeps passes where they outlive the process, and where other nodes see them. */
export interface PassKeeper<P extends Pass> {
  /** Resolves when it is kept. `hash` is of its secret, in base64. @throws {StoreError} */
  keep(pass: P, hash: string): Promise<void>;
  /**
   * Resolves when it is gone; where it `ranOut`, what goes on with it is not to end. Tried again where that fails.
   *
   * @throws {StoreError}
   */
  forget(id: string, ranOut: boolean): Promise<void>;
}

interface Held<P extends Pass> {
  readonly pass: P;
  readonly key: string;
  /** Nobody comes in with it any more, and what goes on with it goes on. */
  isClosed: boolean;
  /** Unties it from its token. */
  untie: () => void;
}

export interface PassesOptions {
  /** Begins their ids. */
  readonly prefix: string;
  /** In the words of a message: "stream tickets". */
  readonly name: string;
  readonly wall: () => number;
  /** Whether what goes on with one ends when it runs out. */
  readonly endsWork: boolean;
}

export interface MadePass<P extends Pass> {
  readonly pass: P;
  readonly secret: string;
  /** Resolves when it is kept, and is to be waited for before anybody is told of it; null where none is. */
  readonly kept: Promise<void> | null;
}

const mostOfTenant = 1_000;
const most = 100_000;
const sweepMs = 1_000;

/**
 * Passes, in memory, by the hashes of their secrets: looking one up by a hash of what a caller sends tells nobody how near
 * a guess was. A tenant has 1,000 at most, the oldest of which goes, with what goes on with it, an idle one first.
 */
export class Passes<P extends Pass> implements Disposable {
  readonly #options: PassesOptions;
  readonly #keeper: PassKeeper<P> | null;
  readonly #byKey = new Map<string, Held<P>>();
  readonly #byId = new Map<string, Held<P>>();
  /** In the order in which they were made. */
  readonly #byTenant = new Map<string, Set<Held<P>>>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PassesOptions, keeper: PassKeeper<P> | null = null) {
    this.#options = options;
    this.#keeper = keeper;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Makes one; `make` gets its id and the tenure that its principal is to have.
   *
   * @throws {Problem} `limit-reached`
   */
  add(owner: Principal, make: (id: string, tenure: Tenure) => P): MadePass<P> {
    this.#makeRoom(owner.tenant);
    const secret = randomBytes(32).toString("base64url");
    const tenure = new Tenure();
    const pass = make(`${this.#options.prefix}${randomBytes(12).toString("hex")}`, tenure);
    const key = keyOf(secret);
    // First: the token may be over by now, with which it is forgotten again.
    const kept = this.#keeper?.keep(pass, key) ?? null;
    kept?.catch(() => void this.end(pass));
    this.hold(pass, key);
    return { pass, secret, kept };
  }

  /** Takes up one that was made before, or elsewhere. `hash` is of its secret, in base64. */
  hold(pass: P, hash: string): void {
    if (this.#byId.has(pass.id)) return;
    const held: Held<P> = { pass, key: hash, isClosed: false, untie: () => {} };
    this.#byKey.set(held.key, held);
    this.#byId.set(pass.id, held);
    const { tenant, tenure } = pass.owner;
    const siblings = this.#byTenant.get(tenant);
    if (siblings === undefined) this.#byTenant.set(tenant, new Set([held]));
    else siblings.add(held);
    this.#timer ??= setInterval(() => this.#sweep(), sweepMs).unref();
    // Last: the token may be over by now.
    held.untie = tenure.onOver(() => void this.#end(held));
  }

  /** What a secret stands for, unless it has run out. */
  find(secret: string): P | null {
    const held = this.#byKey.get(keyOf(secret));
    if (held === undefined || held.isClosed) return null;
    return held.pass.expiresAt <= this.#options.wall() ? null : held.pass;
  }

  byId(id: string): P | null {
    return this.#byId.get(id)?.pass ?? null;
  }

  /** Ends one, and what goes on with it, at once; what it returns, where it is kept, resolves when it is gone there. */
  end({ id }: Pick<P, "id">): Promise<void> | null {
    const held = this.#byId.get(id);
    return held === undefined ? null : this.#end(held);
  }

  /** Lets nobody come in any more with one that has run out by somebody else's clock. */
  close(id: string): void {
    const held = this.#byId.get(id);
    if (held !== undefined) held.isClosed = true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #makeRoom(tenant: string): void {
    const siblings = this.#byTenant.get(tenant);
    if (siblings !== undefined && siblings.size >= mostOfTenant) {
      const [oldest] = siblings;
      const idle = [...siblings].find(({ pass }) => !pass.principal.tenure.isWatched) ?? oldest;
      if (idle !== undefined) void this.#end(idle);
    }
    if (this.#byId.size >= most) this.#sweep();
    if (this.#byId.size < most) return;
    throw new Problem("limit-reached", {
      detail: `This server holds ${most} ${this.#options.name}, which is as many as it may`,
      limit: { name: this.#options.name, value: most },
      retryAfterSeconds: 60,
    });
  }

  /** One that has run out stays while something goes on with it, which is to end with the token. */
  #sweep(): void {
    const now = this.#options.wall();
    for (const held of this.#byId.values()) {
      const { expiresAt, principal } = held.pass;
      if (expiresAt > now && !held.isClosed) continue;
      if (this.#options.endsWork) void this.#end(held);
      else if (!principal.tenure.isWatched) void this.#drop(held, true);
    }
  }

  #end(held: Held<P>): Promise<void> | null {
    const gone = this.#drop(held, false);
    held.pass.principal.tenure.end();
    return gone;
  }

  #drop(held: Held<P>, ranOut: boolean): Promise<void> | null {
    held.untie();
    this.#byKey.delete(held.key);
    this.#byId.delete(held.pass.id);
    const { tenant } = held.pass.owner;
    const siblings = this.#byTenant.get(tenant);
    siblings?.delete(held);
    if (siblings?.size === 0) this.#byTenant.delete(tenant);
    if (this.#byId.size === 0) this[Symbol.dispose]();
    const gone = this.#keeper?.forget(held.pass.id, ranOut) ?? null;
    // Not everybody waits for it.
    gone?.catch(() => {});
    return gone;
  }
}

function keyOf(secret: string): string {
  return hashOf(secret).toString("base64");
}
