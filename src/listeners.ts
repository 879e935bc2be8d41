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
}
