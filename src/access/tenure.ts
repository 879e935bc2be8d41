/** How long somebody has a right: until it is revoked, or runs out. What goes on meanwhile is told of the end. */
export class Tenure {
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether something goes on that would be told. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Calls `listener` once at the end, at once where that has come, unless the returned function is called before. */
  onOver(listener: () => void): () => void {
    if (this.#isOver) {
      listener();
      return () => {};
    }
    // One listener may be given twice.
    const own = () => listener();
    this.#watchers.add(own);
    return () => this.#watchers.delete(own);
  }

  /** Ends it, once and for all. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}
