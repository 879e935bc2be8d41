import type { ConnackApp, RequestContext } from "../app.ts";

type Fetch = ConnackApp["fetch"];

/**
 * Where calls go into a shard's service. It knows those that have no answer yet, so that a service which is to stop can let
 * them come to theirs: one that stops refuses what it has begun to read.
 */
export class Doorway {
  readonly #fetch: Fetch;
  readonly #watchers = new Set<() => void>();
  #inside = 0;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  readonly enter = async (request: Request, context?: RequestContext): Promise<Response> => {
    this.#inside += 1;
    try {
      return await this.#fetch(request, context);
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) for (const watcher of this.#watchers) watcher();
    }
  };

  /** Resolves when all that went in have their answers, or after so many milliseconds: some wait for what may not come. */
  empty(withinMs: number): Promise<void> {
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#watchers.delete(end);
        resolve();
      };
      const timer = setTimeout(end, withinMs);
      this.#watchers.add(end);
    });
  }
}
