import { isUtf8 } from "node:buffer";
import { GatheredBytes } from "./gathered-bytes.ts";

/** One line of a text that comes in chunks. `bytes` without its end. */
export type Line =
  | { readonly number: number; readonly bytes: number; readonly text: string }
  | { readonly number: number; readonly wrong: "too-long" | "not-utf8" };

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const nothing = Buffer.alloc(0);

/**
 * Cuts bytes into lines, which end with LF or CRLF, the last one maybe with neither. Empty ones are left out, but
 * counted. Of a line that is too long nothing is kept. Chunks are not copied, apart from what a line leaves over.
 */
export class Lines {
  readonly #maxBytes: number;
  #chunk: Buffer = nothing;
  #at = 0;
  /** The chunk's whole lines are UTF-8, so that none needs a look of its own. */
  #isUtf8 = false;
  /** The beginning of a line whose end has not come; not kept when it is too long already. */
  readonly #begun = new GatheredBytes();
  #begunBytes = 0;
  #number = 0;
  #ended = false;

  /** `maxBytes` of one line, its end not counted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes further bytes; {@link next} must have given null before. */
  push(chunk: Uint8Array): void {
    this.#chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
    const end = this.#chunk.lastIndexOf(lineFeed) + 1;
    this.#isUtf8 = isUtf8(end === chunk.byteLength ? this.#chunk : this.#chunk.subarray(0, end));
  }

  /** There will be no further bytes: what is left is a line, too. */
  end(): void {
    this.#ended = true;
  }

  /** The next line, or null when more bytes are needed. */
  next(): Line | null {
    for (;;) {
      const end = this.#chunk.indexOf(lineFeed, this.#at);
      if (end === -1) {
        this.#keepRest();
        return this.#ended && this.#begunBytes > 0 ? this.#finish(nothing) : null;
      }
      const from = this.#at;
      this.#at = end + 1;
      if (this.#begunBytes > 0) {
        const line = this.#finish(this.#chunk.subarray(from, end));
        if (line !== null) return line;
        continue;
      }
      this.#number += 1;
      const to = end > from && this.#chunk[end - 1] === carriageReturn ? end - 1 : end;
      if (to > from) return this.#cut(this.#chunk, from, to, this.#isUtf8);
    }
  }

  #keepRest(): void {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = nothing;
    this.#at = 0;
    if (rest.length === 0) return;
    this.#begunBytes += rest.length;
    // One byte more may be the CR of its end.
    if (this.#begunBytes > this.#maxBytes + 1) this.#begun.take();
    // A copy, so that a few bytes do not keep a whole chunk.
    else this.#begun.add(rest);
  }

  /** Ends the line that was begun; null when it is empty, being a lone CR. */
  #finish(rest: Buffer): Line | null {
    const bytes = this.#begunBytes + rest.length;
    const tooLong = bytes > this.#maxBytes + 1;
    if (!tooLong) this.#begun.add(rest);
    const whole = this.#begun.take();
    this.#begunBytes = 0;
    this.#number += 1;
    if (tooLong) return { number: this.#number, wrong: "too-long" };
    const to = whole[bytes - 1] === carriageReturn ? bytes - 1 : bytes;
    return to === 0 ? null : this.#cut(whole, 0, to, false);
  }

  #cut(from: Buffer, start: number, end: number, known: boolean): Line {
    const number = this.#number;
    const bytes = end - start;
    if (bytes > this.#maxBytes) return { number, wrong: "too-long" };
    if (!known && !isUtf8(from.subarray(start, end))) return { number, wrong: "not-utf8" };
    return { number, bytes, text: from.toString("utf8", start, end) };
  }
}
