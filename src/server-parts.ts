import type { Registry } from "./connection/registry.ts";
import type { HistogramView } from "./histogram.ts";
import type { Limit } from "./budget.ts";
import { LoopLag } from "./metrics/loop-lag.ts";
import type { StoreHealth } from "./store/store.ts";
import type { Tenant } from "./tenant.ts";
import type { Tenants } from "./tenants.ts";

/** What is told of a part of a server in its metrics, and where it says how it is. */
export interface ServerPart {
  readonly tenants: Tenants;
  readonly streams: { readonly size: number };
  /** Connections that are still to be dialled. */
  readonly restoring: () => number;
  readonly store: { readonly health: StoreHealth; readonly commitSeconds?: HistogramView };
}

/** All that one process serves: one part where it is alone, and one for each shard that it owns where there are several nodes. */
export class ServerParts implements Disposable {
  /** Of the one thread that serves all parts. */
  readonly loopLag: LoopLag;
  readonly #parts = new Set<ServerPart>();

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.loopLag = new LoopLag(now);
  }

  [Symbol.dispose](): void {
    this.loopLag[Symbol.dispose]();
  }

  /** Takes a part in, until what it returns is called. */
  add(part: ServerPart): () => void {
    this.#parts.add(part);
    return () => void this.#parts.delete(part);
  }

  get registries(): Registry[] {
    return [...this.#tenants()].map(({ registry }) => registry);
  }

  get streams(): number {
    return this.#sum(({ streams }) => streams.size);
  }

  get restoring(): number {
    return this.#sum(({ restoring }) => restoring());
  }

  /** That of the part that is worst off. */
  get health(): StoreHealth {
    const all = [...this.#parts].map(({ store }) => store.health);
    return all.find(({ state }) => state !== "open") ?? all[0] ?? { state: "open" };
  }

  /** The stores of all parts count in the same; undefined where nothing is kept on disk, or there is no part. */
  get commitSeconds(): HistogramView | undefined {
    const [any] = this.#parts;
    return any?.store.commitSeconds;
  }

  /** Of tenants; each part may have so many. */
  get tenantLimit(): readonly Limit[] {
    const limits = [...this.#parts].map(({ tenants }) => tenants.limit);
    const [fullest] = limits.toSorted((a, b) => b.used - a.used);
    if (fullest === undefined) return [];
    return [{ ...fullest, refused: limits.reduce((sum, { refused }) => sum + refused, 0) }];
  }

  /** What one tenant has, in all parts. */
  registriesOf(name: string): Registry[] {
    return [...this.#tenants()].filter((tenant) => tenant.name === name).map(({ registry }) => registry);
  }

  *#tenants(): Iterable<Tenant> {
    for (const { tenants } of this.#parts) yield* tenants;
  }

  #sum(read: (part: ServerPart) => number): number {
    return [...this.#parts].reduce((sum, part) => sum + read(part), 0);
  }
}
