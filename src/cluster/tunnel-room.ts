import { leastWindow } from "./tunnel-flow.ts";

/** What bodies under way may take of the memory of this node. */
export class Room {
  readonly #most: number;
  readonly #mostWindow: number;
  #used = 0;

  constructor(mostBytes: number, mostWindow: number) {
    this.#most = mostBytes;
    this.#mostWindow = mostWindow;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Takes what one direction of a call may fill: the less there is, the less it gets, down to the least with which one works;
   * null where not even that is there. It is all taken at once, so that no call that is under way ever finds no room.
   */
  takeWindow(): number | null {
    const share = Math.floor(this.#mostWindow * ((this.#most - this.#used) / this.#most));
    const window = Math.max(leastWindow, share);
    return this.take(window) ? window : null;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
