import { defaultTenant } from "./access/principal.ts";
import { ClientIds } from "./connection/identity.ts";
import type { Settings } from "./settings.ts";
import { tenantShares, type Shares } from "./shares.ts";

/** One tenant's share, as one of the services that have it has it. */
export interface HeldShares {
  readonly shares: Shares;
  /** It has it no longer: all that it took has been given back. */
  readonly release: () => void;
}

/** Hears which tenants there are that have limits of their own, and when the last service has let go of one. */
export interface TenantWatcher {
  entered(name: string, shares: Shares): void;
  left(name: string): void;
}

interface Entry {
  readonly shares: Shares;
  holders: number;
}

/**
 * What all services of one process have of each tenant together, where there is one for each shard: a tenant's limits are
 * those of all its connections here, whatever shards they are in. A share is there for as long as any service has it, each
 * of which has `CONNACK_MAX_TENANTS` at most.
 */
export class NodeTenants {
  readonly clientIds = new ClientIds();
  readonly #settings: Settings;
  readonly #now: () => number;
  readonly #all: Shares;
  readonly #entries = new Map<string, Entry>();
  #watcher: TenantWatcher | null = null;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(settings: Settings, now: () => number, all: Shares) {
    this.#settings = settings;
    this.#now = now;
    this.#all = all;
  }

  /** Of what comes from now on. */
  watch(watcher: TenantWatcher): void {
    this.#watcher = watcher;
  }

  /**
   * A service has this tenant from now on. Webhooks are the only thing that it counts by itself: they are all defined in
   * one place, whose count is that of the cluster, and each service has them all.
   */
  hold(name: string): HeldShares {
    const entry = this.#entries.get(name) ?? this.#make(name);
    entry.holders += 1;
    const { webhooks } = this.#sharesOf(name).budgets;
    const { shares } = entry;
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#release(name, entry);
      isHeld = false;
    };
    return { shares: { ...shares, budgets: { ...shares.budgets, webhooks } }, release };
  }

  #make(name: string): Entry {
    const entry = { shares: this.#sharesOf(name), holders: 0 };
    this.#entries.set(name, entry);
    if (name !== defaultTenant) this.#watcher?.entered(name, entry.shares);
    return entry;
  }

  #sharesOf(name: string): Shares {
    return tenantShares(this.#settings, this.#now, this.#all, name === defaultTenant);
  }

  #release(name: string, entry: Entry): void {
    entry.holders -= 1;
    if (entry.holders > 0) return;
    this.#entries.delete(name);
    if (name !== defaultTenant) this.#watcher?.left(name);
  }
}
