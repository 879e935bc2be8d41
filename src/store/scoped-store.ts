import {
  StoreError,
  type Change,
  type Lease,
  type Position,
  type Store,
  type StoreHealth,
  type StoredEntry,
  type StoredLog,
  type StoredRecord,
} from "./store.ts";

/** Names of other tenants' spaces and logs begin with this. */
const root = "t/";

/** What names of a tenant's spaces and logs begin with; `tenant` has no slash, and null has no tenant's name. */
export function prefixOf(tenant: string | null): string {
  return tenant === null ? "" : `${root}${tenant}/`;
}

/**
 * What one tenant has of a store, as though it were a store of its own: no name that it uses can reach another's. Without a
 * tenant it is what has no tenant's name, as it was before there were tenants. Disposing of it leaves the store open.
 */
export class ScopedStore implements Store {
  readonly #store: Store;
  readonly #prefix: string;

  constructor(store: Store, tenant: string | null) {
    this.#store = store;
    this.#prefix = prefixOf(tenant);
  }

  get survives(): Store["survives"] {
    return this.#store.survives;
  }

  get epoch(): string {
    return this.#store.epoch;
  }

  get health(): StoreHealth {
    return this.#store.health;
  }

  onHealth(listener: () => void): () => void {
    return this.#store.onHealth(listener);
  }

  acquire(): Promise<Lease> {
    return this.#store.acquire();
  }

  commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    const all = this.#prefix === "" ? changes : changes.map((change) => this.#scoped(change));
    return this.#store.commit(lease, all);
  }

  records(space: string, after: string | null, limit: number): Promise<readonly StoredRecord[]> {
    return this.#store.records(this.#prefix + space, after, limit);
  }

  count(space: string): Promise<number> {
    return this.#store.count(this.#prefix + space);
  }

  async spaces(prefix: string): Promise<readonly string[]> {
    return this.#own(await this.#store.spaces(this.#prefix + prefix), (name) => name).map(({ name }) => name);
  }

  get(space: string, key: string): Promise<string | null> {
    return this.#store.get(this.#prefix + space, key);
  }

  entries(log: string, after: Position, limit: number): Promise<readonly StoredEntry[]> {
    return this.#store.entries(this.#prefix + log, after, limit);
  }

  async logs(prefix: string): Promise<readonly StoredLog[]> {
    const found = this.#own(await this.#store.logs(this.#prefix + prefix), ({ name }) => name);
    return found.map(({ each: { trimmedThrough }, name }) => ({ name, trimmedThrough }));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Those that are not another tenant's, with the names that they have here. */
  #own<T>(
    all: readonly T[],
    nameOf: (each: T) => string,
  ): readonly { readonly each: T; readonly name: string }[] {
    return all
      .map((each) => ({ each, name: nameOf(each).slice(this.#prefix.length) }))
      .filter(({ name }) => this.#prefix !== "" || !name.startsWith(root));
  }

  #scoped(change: Change): Change {
    switch (change.type) {
      case "put":
      case "delete":
      case "clear":
        return { ...change, space: this.#prefix + change.space };
      case "append":
        return { ...change, logs: change.logs.map((log) => this.#prefix + log) };
      case "trim":
      case "drop":
        return { ...change, log: this.#prefix + change.log };
      default:
        return change satisfies never;
    }
  }
}

/**
 * The tenants that a store has something of, besides what has no tenant.
 *
 * @throws {StoreError} when it cannot be read
 */
export async function tenantsIn(store: Store): Promise<readonly string[]> {
  const logs = (await store.logs(root)).map(({ name }) => name);
  const names = [...(await store.spaces(root)), ...logs].map((name) => name.split("/")[1] ?? "");
  if (names.includes(""))
    throw new StoreError("unavailable", "The store has a name that this version does not know");
  return [...new Set(names)];
}
