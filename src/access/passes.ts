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

interface Held<P extends Pass> {
  readonly pass: P;
  readonly key: string;
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

const mostOfTenant = 1_000;
const most = 100_000;
const sweepMs = 1_000;

/**
 * Passes, in memory, by the hashes of their secrets: looking one up by a hash of what a caller sends tells nobody how near
 * a guess was. A tenant has 1,000 at most, the oldest of which goes, with what goes on with it, an idle one first.
 */
export class Passes<P extends Pass> implements Disposable {
  readonly #options: PassesOptions;
  readonly #byKey = new Map<string, Held<P>>();
  readonly #byId = new Map<string, Held<P>>();
  /** In the order in which they were made. */
  readonly #byTenant = new Map<string, Set<Held<P>>>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PassesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Makes one; `make` gets its id and the tenure that its principal is to have.
   *
   * @throws {Problem} `limit-reached`
   */
  add(
    owner: Principal,
    make: (id: string, tenure: Tenure) => P,
  ): { readonly pass: P; readonly secret: string } {
    this.#makeRoom(owner.tenant);
    const secret = randomBytes(32).toString("base64url");
    const tenure = new Tenure();
    const pass = make(`${this.#options.prefix}${randomBytes(12).toString("hex")}`, tenure);
    const held: Held<P> = { pass, key: keyOf(secret), untie: () => {} };
    this.#byKey.set(held.key, held);
    this.#byId.set(pass.id, held);
    const siblings = this.#byTenant.get(owner.tenant);
    if (siblings === undefined) this.#byTenant.set(owner.tenant, new Set([held]));
    else siblings.add(held);
    this.#timer ??= setInterval(() => this.#sweep(), sweepMs).unref();
    // Last: the token may be over by now.
    held.untie = owner.tenure.onOver(() => this.#end(held));
    return { pass, secret };
  }

  /** What a secret stands for, unless it has run out. */
  find(secret: string): P | null {
    const pass = this.#byKey.get(keyOf(secret))?.pass;
    return pass === undefined || pass.expiresAt <= this.#options.wall() ? null : pass;
  }

  byId(id: string): P | null {
    return this.#byId.get(id)?.pass ?? null;
  }

  /** Ends one, and what goes on with it. */
  end(pass: P): void {
    const held = this.#byId.get(pass.id);
    if (held !== undefined) this.#end(held);
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
      if (idle !== undefined) this.#end(idle);
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
      if (expiresAt > now) continue;
      if (this.#options.endsWork) this.#end(held);
      else if (!principal.tenure.isWatched) this.#drop(held);
    }
  }

  #end(held: Held<P>): void {
    this.#drop(held);
    held.pass.principal.tenure.end();
  }

  #drop(held: Held<P>): void {
    held.untie();
    this.#byKey.delete(held.key);
    this.#byId.delete(held.pass.id);
    const { tenant } = held.pass.owner;
    const siblings = this.#byTenant.get(tenant);
    siblings?.delete(held);
    if (siblings?.size === 0) this.#byTenant.delete(tenant);
    if (this.#byId.size === 0) this[Symbol.dispose]();
  }
}

function keyOf(secret: string): string {
  return hashOf(secret).toString("base64");
}
