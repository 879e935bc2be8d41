import type { Change, Lease, Position, Store } from "../store/store.ts";

/** One thing that came and is to be kept. */
interface Item {
  readonly changes: readonly Change[];
  readonly bytes: number;
  readonly kept: (positions: readonly Position[]) => void;
  readonly failed: () => void;
}

/** What may have come and not be kept yet, before the broker is made to wait. */
const mostItems = 10_000;
const mostBytes = 16_777_216;
/** More are not left to wait for the end of the turn. */
const mostInTurn = 256;

const nothing = () => {};

/**
 * Keeps what a broker has sent, in order, before it is acknowledged. Everything that comes has a number, and an
 * acknowledgement may go out when all up to its number is settled. What came in one turn of the event loop shares one
 * commit. When the store fails, the network connection is to be dropped, so that the broker keeps what it has.
 */
export class KeptInbound {
  readonly #store: Store;
  readonly #lease: Lease;
  #turn: Item[] = [];
  #flush: ReturnType<typeof setImmediate> | undefined;
  #bytes = 0;
  #arrived = 0;
  #settled = 0;
  #paused = false;
  #room: (() => void)[] = [];
  /** Called when more is settled; there is one network connection at a time to hear of it. */
  onSettled: (kept: boolean) => void = nothing;
  /** Called when something could not be kept, before it counts as settled. */
  onFailed: (error: unknown) => void = nothing;

  constructor(store: Store, lease: Lease) {
    this.#store = store;
    this.#lease = lease;
  }

  /** The number of what came last. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Everything up to this number is kept, or has failed along with its network connection. */
  get settled(): number {
    return this.#settled;
  }

  get hasRoom(): boolean {
    return this.#arrived - this.#settled < mostItems && this.#bytes < mostBytes;
  }

  /** Calls `proceed` once, when there is room again. */
  whenRoom(proceed: () => void): void {
    if (this.hasRoom) proceed();
    else this.#room.push(proceed);
  }

  /** Exactly one of `kept`, with the positions of the appends, and `failed` is called, in the order of the calls. */
  add(
    changes: readonly Change[],
    bytes: number,
    kept: (positions: readonly Position[]) => void = nothing,
    failed: () => void = nothing,
  ): void {
    this.#arrived += 1;
    this.#bytes += bytes;
    this.#turn.push({ changes, bytes, kept, failed });
    if (this.#paused) return;
    if (this.#turn.length >= mostInTurn) this.#commit();
    else this.#flush ??= setImmediate(() => this.#commit());
  }

  /**
   * Keeps nothing while `remove` is under way, nor when it has succeeded: that would be left in the store for ever, should
   * the process die before the end. What came meanwhile is not acknowledged, so the broker has it; it is kept when that fails.
   */
  async giveWay(remove: () => Promise<void>): Promise<void> {
    this.#paused = true;
    try {
      await remove();
    } catch (error) {
      this.#paused = false;
      this.#commit();
      throw error;
    }
  }

  #commit(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#paused || this.#turn.length === 0) return;
    const items = this.#turn;
    this.#turn = [];
    void this.#keep(items);
  }

  async #keep(items: readonly Item[]): Promise<void> {
    const changes = items.flatMap((item) => item.changes);
    try {
      const positions = await this.#store.commit(this.#lease, changes);
      let next = 0;
      for (const item of items) {
        const appends = item.changes.filter(({ type }) => type === "append").length;
        item.kept(positions.slice(next, next + appends));
        next += appends;
      }
    } catch (error) {
      for (const item of items) item.failed();
      this.onFailed(error);
      return this.#settle(items, false);
    }
    return this.#settle(items, true);
  }

  #settle(items: readonly Item[], kept: boolean): void {
    this.#settled += items.length;
    for (const { bytes } of items) this.#bytes -= bytes;
    this.onSettled(kept);
    if (this.hasRoom) for (const proceed of this.#room.splice(0)) proceed();
  }
}
