import type { NatsConnection } from "@nats-io/transport-node";

interface Held {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly reply: string | undefined;
}

export type LinkState = "up" | "down" | "closed";

/**
 * Publishes over one connection to NATS. While that is lost, we keep what is to be sent: the client would, too, without a
 * bound, and would send it whenever it is back, or throw it away.
 */
export class Link implements Disposable {
  readonly #connection: NatsConnection;
  readonly #mostHeldBytes: number;
  readonly #onClosed: () => void;
  #state: LinkState;
  #held: Held[] = [];
  #heldBytes = 0;
  readonly #onUp = new Set<() => void>();
  #disposed = false;

  constructor(connection: NatsConnection, mostHeldBytes: number, onClosed: () => void) {
    this.#connection = connection;
    this.#mostHeldBytes = mostHeldBytes;
    this.#onClosed = onClosed;
    // Without one, what the server says of itself is not known.
    this.#state = connection.isClosed() ? "closed" : connection.info === undefined ? "down" : "up";
    void this.#watch();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** What there is no room for is lost, which the other end notices. */
  send(subject: string, bytes: Uint8Array, reply?: string): void {
    if (this.#state === "up") return this.#publish({ subject, bytes, reply });
    if (this.#state === "closed" || this.#heldBytes + bytes.length > this.#mostHeldBytes) return;
    this.#heldBytes += bytes.length;
    this.#held.push({ subject, bytes, reply });
  }

  /** Nobody waits for it any more. */
  dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** Whether it is up within the time. */
  async whenUp(withinMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#state !== "down") return this.#state === "up";
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    const timer = setTimeout(done, withinMs);
    signal.addEventListener("abort", done);
    this.#onUp.add(done);
    await promise;
    this.#onUp.delete(done);
    signal.removeEventListener("abort", done);
    clearTimeout(timer);
    return this.state === "up";
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.dropHeld();
  }

  #publish({ subject, bytes, reply }: Held): void {
    try {
      this.#connection.publish(subject, bytes, reply === undefined ? {} : { reply });
    } catch {
      // It was closed a moment ago, and we are told so in a moment.
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#disposed) return;
      if (type === "disconnect") this.#state = "down";
      else if (type === "reconnect") this.#up();
      else if (type === "close") break;
    }
    this.#state = "closed";
    this.dropHeld();
    this.#tell();
    this.#onClosed();
  }

  #up(): void {
    this.#state = "up";
    const held = this.#held;
    this.dropHeld();
    for (const each of held) this.#publish(each);
    this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#onUp) resolve();
  }
}
