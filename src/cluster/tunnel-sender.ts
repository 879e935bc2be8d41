import type { OutFlow } from "./tunnel-flow.ts";
import type { Source } from "./tunnel-source.ts";

export interface SenderOptions {
  readonly source: Source;
  readonly flow: OutFlow;
  readonly mostBytes: number;
  /** What `Content-Length` has promised, of which `sent` bytes are sent already. */
  readonly announced: number | null;
  readonly sent: number;
  readonly piece: (bytes: Uint8Array) => void;
  readonly end: () => void;
  readonly broken: () => void;
}

/** Sends a body as far as the other end has given credit, and reads no further meanwhile. */
export class Sender {
  readonly #options: SenderOptions;
  #stopped = false;
  #wake: (() => void) | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
    void this.#run();
  }

  /** There is credit. */
  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.source.cancel(reason);
    this.wake();
  }

  async #run(): Promise<void> {
    const { source, announced, end, broken } = this.#options;
    let { sent } = this.#options;
    try {
      for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
        await this.#send(chunk);
        sent += chunk.length;
      }
    } catch {
      if (!this.#stopped) broken();
      return;
    }
    if (this.#stopped) return;
    if (announced !== null && announced !== sent) broken();
    else end();
  }

  async #send(chunk: Uint8Array): Promise<void> {
    const { flow, mostBytes, piece } = this.#options;
    for (let at = 0; at < chunk.length && !this.#stopped;) {
      const size = Math.min(flow.room, mostBytes, chunk.length - at);
      if (size > 0) {
        flow.spend(size);
        piece(chunk.subarray(at, at + size));
        at += size;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
