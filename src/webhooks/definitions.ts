import type { Following } from "../store/following.ts";
import type { Change } from "../store/store.ts";
import { webhookSpace } from "./records.ts";

/** So long it is waited for the copy to have all that there is. */
const settleWithinMs = 2_000;
const page = 100;

/** The webhooks of one tenant as they are kept elsewhere: their records, by id. */
export class Definitions {
  readonly #following: Following;
  readonly #space: string;

  /** `prefix` is what the names of the tenant's spaces begin with there. */
  constructor(following: Following, prefix: string) {
    this.#following = following;
    this.#space = prefix + webhookSpace;
  }

  get(id: string): Promise<string | null> {
    return this.#following.get(this.#space, id);
  }

  async ids(): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let after: string | null = null; ; after = ids.at(-1) ?? null) {
      const records = await this.#following.records(this.#space, after, page);
      ids.push(...records.map(({ key }) => key));
      if (records.length < page) return ids;
    }
  }

  /** Calls `listener` with what is put or deleted, until the returned function is called. */
  onChange(listener: (id: string, isDeleted: boolean) => void): () => void {
    return this.#following.onChange((changes: readonly Change[]) => {
      for (const change of changes)
        if ((change.type === "put" || change.type === "delete") && change.space === this.#space)
          listener(change.key, change.type === "delete");
    });
  }

  /** @throws {StoreError} `unavailable`, or what it is aborted with */
  caughtUp(): Promise<void> {
    return this.#following.caughtUp(AbortSignal.timeout(settleWithinMs));
  }
}
