/** To the beginning of the line, and all of it away (ECMA-48 §8.3.41). */
const emptyLine = "\r\u001b[2K";

/** A line at a terminal that is written anew until it goes; what is written for good is not put behind it. */
export class TransientLine {
  readonly #write: (text: string) => void;
  #isShown = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** `text` has no end of line, and is no longer than a terminal is wide. */
  show(text: string): void {
    this.#isShown = true;
    this.#write(emptyLine + text);
  }

  hide(): void {
    if (this.#isShown) this.#write(emptyLine);
    this.#isShown = false;
  }

  /** Writes what stays, which ends with an end of line. */
  write(text: string): void {
    this.hide();
    this.#write(text);
  }
}
