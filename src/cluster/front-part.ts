import type { StreamFormat } from "../stream/frame.ts";
import { FrameReader, type Frame } from "./front-frames.ts";
import { pause } from "./pause.ts";

/** What a cell answers to whoever reads on. */
export type Reopened =
  | { readonly kind: "open"; readonly response: Response }
  /** Whoever reads may no longer. */
  | { readonly kind: "unauthorized" }
  /** It will not be otherwise the next time. */
  | { readonly kind: "refused" }
  /** It is for the reader to begin anew: what came in between from there cannot be taken up where it was. */
  | { readonly kind: "over" }
  /** It has no owner, or one that has no room at present. */
  | { readonly kind: "away" };

/** What a part needs of the whole. */
export interface Whole {
  readonly format: StreamFormat;
  /** Aborts when it has ended. */
  readonly signal: AbortSignal;
  /** In [0, 1). */
  readonly random: () => number;
  /** Opens the cell's stream after the last event that was delivered of it. */
  reopen(cell: number): Promise<Reopened>;
  /** Resolves when the reader has them, or has room for them. */
  deliver(part: Part, frames: readonly Frame[]): Promise<void>;
  /** There is nothing to be had of a cell any longer. */
  lost(reason: "unauthorized" | "refused" | "over"): void;
}

const waits = { firstMs: 100, leastMs: 250, mostMs: 5_000 };

/**
 * One cell's part of a stream of all cells: reads it a piece at a time, no further than the reader of the whole takes, and
 * opens it again when it ends, as it does when its owner is lost or gives it away.
 */
export class Part {
  readonly cell: number;
  readonly #whole: Whole;
  #reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "cancel" | "read"> | null = null;
  #frames: FrameReader;
  #startId: string;
  #failures = 0;

  constructor(cell: number, whole: Whole, response: Response) {
    this.cell = cell;
    this.#whole = whole;
    this.#frames = new FrameReader(whole.format);
    this.#startId = "";
    this.#use(response);
  }

  /** The cell's own id of the place where its stream began, behind a gap if there is one. */
  get startId(): string {
    return this.#startId;
  }

  /** The next frames; null when the stream has ended, or broken off. */
  async next(): Promise<Frame[] | null> {
    const piece = await this.#reader?.read().catch(() => null);
    return piece?.value === undefined ? null : this.#frames.push(piece.value);
  }

  /** Delivers until the whole ends; `first` has been read before. */
  async run(first: readonly Frame[]): Promise<void> {
    const { signal } = this.#whole;
    if (first.length > 0) await this.#whole.deliver(this, first);
    while (!signal.aborted) {
      const frames = await this.next();
      if (signal.aborted) break;
      if (frames === null) {
        if (!(await this.#reopen())) break;
      } else if (frames.length > 0) {
        if (frames.some(({ kind }) => kind !== "control")) this.#failures = 0;
        await this.#whole.deliver(this, frames);
      }
    }
    this.stop();
  }

  stop(): void {
    void this.#reader?.cancel().catch(() => {});
    this.#reader = null;
  }

  /** False where it is over. */
  async #reopen(): Promise<boolean> {
    this.stop();
    const { signal } = this.#whole;
    while (!signal.aborted) {
      await pause(this.#waitMs(), signal);
      if (signal.aborted) break;
      this.#failures += 1;
      const reopened = await this.#whole.reopen(this.cell);
      if (reopened.kind === "open") {
        this.#use(reopened.response);
        return true;
      }
      if (reopened.kind !== "away") {
        this.#whole.lost(reopened.kind);
        break;
      }
    }
    return false;
  }

  #use(response: Response): void {
    this.#frames = new FrameReader(this.#whole.format);
    this.#startId = response.headers.get("connack-last-event-id") ?? "";
    this.#reader = response.body?.getReader() ?? null;
  }

  /** By chance, so that all readers of a cell do not come at once. */
  #waitMs(): number {
    const { firstMs, leastMs, mostMs } = waits;
    const { random } = this.#whole;
    if (this.#failures === 0) return random() * firstMs;
    return Math.min(mostMs, leastMs * 2 ** (this.#failures - 1)) * (0.5 + random() / 2);
  }
}
