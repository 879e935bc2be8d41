/** Who is to be called when something happens. With nobody it holds no memory to speak of: there are many of these. */
export class Listeners {
  #all: Set<() => void> | null = null;

  /** Calls `listener` each time, until the returned function is called. */
  add(listener: () => void): () => void {
    const all = (this.#all ??= new Set());
    all.add(listener);
    return () => {
      all.delete(listener);
      if (all.size === 0 && this.#all === all) this.#all = null;
    };
  }

  call(): void {
    for (const listener of this.#all ?? []) listener();
  }

  /** Resolves with what `look` finds, now or at the first call at which it is not null; with null when `signal` aborts before. */
  until<T>(look: () => T | null, signal: AbortSignal): Promise<T | null> {
    const found = look();
    if (found !== null || signal.aborted) return Promise.resolve(found);
    return new Promise((resolve) => {
      const finish = (result: T | null) => {
        unlisten();
        signal.removeEventListener("abort", onAbort);
        resolve(result);
      };
      const check = () => {
        const seen = look();
        if (seen !== null) finish(seen);
      };
      const onAbort = () => finish(null);
      const unlisten = this.add(check);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
