import { defaultTenant } from "./access/principal.ts";
import type { Limit } from "./budget.ts";
import type { Connection } from "./connection/connection.ts";
import { Problem } from "./problem.ts";
import { Tenant, type TenantDeps } from "./tenant.ts";

/** What a tenant is made with, by its name. */
export type MakeDeps = (name: string) => TenantDeps;

/** All tenants that have something here, or are calling. Bounded: one that has nothing makes room for another. */
export class Tenants {
  readonly #most: number;
  readonly #depsOf: MakeDeps;
  readonly #open = new Map<string, Tenant>();
  readonly #opening = new Map<string, Promise<Tenant>>();
  readonly #onRestored: (connections: readonly Connection[]) => void;
  #stopping = false;
  #refused = 0;

  /** `onRestored` is given the connections of a tenant that the store had; they are to be dialled. */
  constructor(most: number, depsOf: MakeDeps, onRestored: (connections: readonly Connection[]) => void) {
    this.#most = most;
    this.#depsOf = depsOf;
    this.#onRestored = onRestored;
  }

  /** As metrics show it. */
  get limit(): Limit {
    const setting = "CONNACK_MAX_TENANTS";
    return { setting, most: this.#most, used: this.size, refused: this.#refused, refusedWithin: 0 };
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<Tenant> {
    return this.#open.values();
  }

  /** All connections of all tenants. */
  *connections(): Iterable<Connection> {
    for (const { registry } of this.#open.values()) yield* registry.all();
  }

  /**
   * Opens those that the store has something of, and the default one; to be called once, before any other.
   *
   * @throws what {@link Tenant.open} throws
   */
  async restore(stored: readonly string[]): Promise<void> {
    try {
      for (const name of new Set([defaultTenant, ...stored])) await this.#enter(name);
    } catch (error) {
      for (const tenant of this.#open.values()) void tenant.abandon();
      throw error;
    }
    // Not before all are back: a start that is refused changes nothing.
    for (const tenant of this.#open.values()) await tenant.begin();
  }

  find(name: string): Tenant | null {
    return this.#open.get(name) ?? null;
  }

  /**
   * The tenant of this name, which may be new.
   *
   * @throws {Problem} `limit-reached`, `shutting-down`
   * @throws {StoreError} when the store cannot be read
   */
  async get(name: string): Promise<Tenant> {
    const found = this.#open.get(name) ?? this.#opening.get(name);
    if (found !== undefined) return found;
    if (this.#stopping)
      throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
    this.#makeRoom();
    const opening = this.#enter(name).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    const tenant = await opening;
    await tenant.begin();
    return tenant;
  }

  /** Takes no new ones, and closes all gracefully. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#opening.values());
    await Promise.all([...this.#open.values()].map((tenant) => tenant.close(graceMs)));
  }

  async end(): Promise<void> {
    await Promise.all([...this.#open.values()].map((tenant) => tenant.end()));
  }

  async #enter(name: string): Promise<Tenant> {
    const { tenant, restored } = await Tenant.open(name, this.#depsOf(name));
    this.#open.set(name, tenant);
    this.#onRestored(restored);
    return tenant;
  }

  #makeRoom(): void {
    if (this.#open.size + this.#opening.size < this.#most) return;
    const all = [...this.#open.values()].filter(({ name, isIdle }) => isIdle && name !== defaultTenant);
    const idle = all.find(({ hasAnswers }) => !hasAnswers) ?? all[0];
    if (idle === undefined) {
      this.#refused += 1;
      throw new Problem("limit-reached", {
        detail: `This server has ${this.#most} tenants, which is as many as it may`,
        limit: { name: "CONNACK_MAX_TENANTS", value: this.#most },
        retryAfterSeconds: 60,
      });
    }
    this.#open.delete(idle.name);
    // It has nothing to close; a call that is under way for it is told that it is stopping.
    void idle.close(0).then(() => idle.end());
  }
}
