/**
 * Both directions of one call, as numbers alone: what may be sent, whether what comes is what was sent. No I/O, so that every
 * interleaving can be tested.
 */

/** What a piece costs besides its bytes, which is what it takes to keep a small one. */
export const pieceCost = 64;
/** With less a direction would be at a standstill between credits. */
export const leastWindow = 16_384;
const mostCredit = 2 ** 31;

/** What one end sends. */
export class OutFlow {
  #seq = 0;
  #credit = 0;

  /** The last sequence number that was given. */
  get seq(): number {
    return this.#seq;
  }

  next(): number {
    this.#seq = (this.#seq + 1) >>> 0;
    return this.#seq;
  }

  /** So many bytes may be sent in one piece; 0 or less: none. */
  get room(): number {
    return this.#credit - pieceCost;
  }

  spend(bytes: number): void {
    this.#credit -= bytes + pieceCost;
  }

  /** False where it is more than anybody gives. */
  grant(credit: number): boolean {
    if (this.#credit + credit > mostCredit) return false;
    this.#credit += credit;
    return true;
  }
}

/** What one end receives. */
export class InFlow {
  readonly #window: number;
  #seq = 0;
  /** What the other end may still send. */
  #open: number;
  /** What was taken by the reader, for which no credit has been given yet. */
  #taken = 0;

  constructor(window: number) {
    this.#window = window;
    this.#open = window;
  }

  /** False where something before it was lost, or it has come twice. */
  accept(seq: number): boolean {
    if (seq !== (this.#seq + 1) >>> 0) return false;
    this.#seq = seq;
    return true;
  }

  /** Whether the other end has sent more than what has come. */
  isBehind(seq: number): boolean {
    const ahead = (seq - this.#seq) >>> 0;
    return ahead > 0 && ahead < 2 ** 31;
  }

  /** False where the other end has sent more than it may. */
  receive(bytes: number): boolean {
    if (bytes + pieceCost > this.#open) return false;
    this.#open -= bytes + pieceCost;
    return true;
  }

  /** The reader has taken a piece. With the credit to give now; 0 while it is not worth a message. */
  take(bytes: number): number {
    this.#taken += bytes + pieceCost;
    if (this.#taken < this.#window / 2) return 0;
    const credit = this.#taken;
    this.#taken = 0;
    this.#open += credit;
    return credit;
  }
}
