import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";

/** As much as the write-ahead log of a deletion needs, and then some. */
const bytes = 4_194_304;
const block = Buffer.alloc(65_536);

/** A file of no use but its size: given up when the disk is full, it is the room in which others can be deleted. */
export class Reserve {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Makes it, unless it is there; false when there is no room for it. */
  fill(): boolean {
    if (statSync(this.#file, { throwIfNoEntry: false })?.size === bytes) return true;
    try {
      const descriptor = openSync(this.#file, "w", 0o600);
      try {
        for (let written = 0; written < bytes;) written += writeSync(descriptor, block);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      return true;
    } catch {
      this.release();
      return false;
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}
