type Task = () => Promise<void>;

/** The tasks of one webhook: those under way, and those whose turn has not come. */
export class Line {
  readonly #most: () => number;
  readonly waiting: Task[] = [];
  running = 0;

  /** `most` may run at once. */
  constructor(most: () => number) {
    this.#most = most;
  }

  get ready(): boolean {
    return this.waiting.length > 0 && this.running < this.#most();
  }
}

/**
 * Runs tasks, so many at once over all. The lines take turns, a task each, and the tasks of a line go in the order in
 * which they came; so no line, however long or slow, makes another one wait for more than a turn.
 */
export class Dispatcher {
  readonly #most: number;
  /** With tasks that wait; the first is next. */
  #ring: Line[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The task must not reject. `first` goes before the others of its line. */
  submit(line: Line, task: Task, first = false): void {
    if (line.waiting.length === 0) this.#ring.push(line);
    if (first) line.waiting.unshift(task);
    else line.waiting.push(task);
    this.#pump();
  }

  /** As {@link submit}, with a result. */
  run<T>(line: Line, task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.submit(line, () => task().then(resolve, reject), true);
    });
  }

  #pump(): void {
    while (this.#running < this.#most) {
      const index = this.#ring.findIndex((line) => line.ready);
      if (index === -1) return;
      const [line] = this.#ring.splice(index, 1);
      const task = line?.waiting.shift();
      if (line === undefined || task === undefined) return;
      if (line.waiting.length > 0) this.#ring.push(line);
      void this.#perform(line, task);
    }
  }

  async #perform(line: Line, task: Task): Promise<void> {
    this.#running += 1;
    line.running += 1;
    try {
      await task();
    } finally {
      this.#running -= 1;
      line.running -= 1;
      this.#pump();
    }
  }
}
