import type { Connection } from "./connection.ts";
import type { Machine } from "./state.ts";

const attemptEnded = ({ state, attempts }: Machine) => state.name !== "connecting" && attempts > 0;
const isOver = (machine: Machine) => attemptEnded(machine) || machine.state.name === "closed";

/** Dials the connections that came back after a restart, so many at once, so that neither side is flooded. */
export class Restart {
  readonly #over = new AbortController();
  #left = 0;

  /** Connections whose first attempt has not ended. */
  get left(): number {
    return this.#left;
  }

  /** Begins, with those that were not given up. */
  begin(connections: readonly Connection[], atOnce: number): void {
    const waiting = connections.filter(({ machine }) => machine.state.name !== "failed");
    this.#left = waiting.length;
    for (let n = 0; n < atOnce; n += 1) void this.#dialNext(waiting);
  }

  /** Dials no further ones. */
  stop(): void {
    this.#left = 0;
    this.#over.abort();
  }

  async #dialNext(waiting: Connection[]): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (this.#over.signal.aborted) return;
      // A call may have been quicker.
      if (next.machine.attempts === 0) next.dial("restart");
      await next.until(isOver, this.#over.signal);
      this.#left = Math.max(0, this.#left - 1);
    }
  }
}
