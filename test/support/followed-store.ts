import type { Following } from "../../src/store/following.ts";
import { Image } from "../../src/store/image.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { StoreError, type Change, type Lease, type Position } from "../../src/store/store.ts";

/** A store in memory, and a copy of it that follows when the test lets it. */
export class FollowedStore extends MemoryStore {
  /** What the copy has not heard of yet. */
  readonly #untold: (readonly Change[])[] = [];
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly #image = new Image();
  /** Whether the copy hears of what is committed without asking. */
  isLive = true;
  /** Whether the copy reaches nobody. */
  isCut = false;
  behindMs = 0;
  /** How often the copy has asked. */
  questions = 0;

  override async commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    const positions = await super.commit(lease, changes);
    this.#untold.push(changes);
    if (this.isLive && !this.isCut) this.tell();
    return positions;
  }

  tell(): void {
    for (const changes of this.#untold.splice(0)) {
      for (const change of changes) if (change.type !== "append") this.#image.apply(change, 0);
      for (const listener of this.#listeners) listener(changes);
    }
  }

  follow(): Following {
    const behindMs = () => this.behindMs;
    return {
      get behindMs() {
        return behindMs();
      },
      get isFresh() {
        return behindMs() < 10_000;
      },
      records: async (...of) => this.#image.records(...of),
      spaces: async (prefix) => this.#image.spaces(prefix),
      get: async (space, key) => this.#image.get(space, key),
      entries: async (...of) => this.#image.entries(...of),
      logs: async (prefix) => this.#image.logs(prefix),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      caughtUp: async (signal) => {
        this.questions += 1;
        if (this.isCut)
          await new Promise((_, reject) => {
            signal?.addEventListener("abort", () => reject(new StoreError("unavailable", "late")));
          });
        this.tell();
      },
    };
  }
}
