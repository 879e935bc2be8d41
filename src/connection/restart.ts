import type { Connection } from "./connection.ts";
import type { Machine } from "./state.ts";

const attemptEnded = ({ state, attempts }: Machine) => state.name !== "connecting" && attempts > 0;
const isOver = (machine: Machine) => attemptEnded(machine) || machine.state.name === "closed";

/** Dials the connections that came back after a restart, so many at once, so that neither side is flooded. */
export class Restart {
  readonly #over = new AbortController();
  readonly #atOnce: number;
  readonly #waiting: Connection[] = [];
  #running = 0;
  #left = 0;
  /** Of how many they are left. */
  #total = 0;
  #begun = false;
  readonly #onProgress: (done: number, total: number) => void;

  /** `onProgress` hears how many are over, from {@link begin} on; when all are, `done` is the total. */
  constructor(atOnce: number, onProgress: (done: number, total: number) => void = () => {}) {
    this.#atOnce = atOnce;
    this.#onProgress = onProgress;
  }

  /** Connections whose first attempt has not ended. */
  get left(): number {
    return this.#left;
  }

  /** Takes up those that were not given up; they are dialled from {@link begin} on. */
  add(connections: readonly Connection[]): void {
    const waiting = connections.filter(({ machine }) => machine.state.name !== "failed");
    for (const connection of waiting) this.#waiting.push(connection);
    if (this.#left === 0) this.#total = 0;
    this.#left += waiting.length;
    this.#total += waiting.length;
    if (this.#begun && waiting.length > 0) this.#run();
  }

  begin(): void {
    this.#begun = true;
    this.#run();
  }

  /** Dials no further ones. */
  stop(): void {
    this.#left = 0;
    this.#over.abort();
  }

  #run(): void {
    if (this.#left > 0) this.#say();
    for (; this.#running < this.#atOnce && this.#waiting.length > 0; this.#running += 1)
      void this.#dialNext();
  }

  async #dialNext(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#over.signal.aborted) break;
      // A call may have been quicker.
      if (next.machine.attempts === 0) next.dial("restart");
      await next.until(isOver, this.#over.signal);
      if (this.#over.signal.aborted) break;
      this.#left -= 1;
      this.#say();
    }
    this.#running -= 1;
  }

  #say(): void {
    this.#onProgress(this.#total - this.#left, this.#total);
  }
}
