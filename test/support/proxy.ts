import { connect, createServer, type Socket } from "node:net";
import { listenOnLoopback } from "./loopback-server.ts";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Pairs that are open now. */
  readonly connectionCount: number;
  /** Bytes taken from each side so far. */
  readonly bytes: { readonly fromClient: number; readonly fromTarget: number };
  /** Stops reading and forwarding, also FIN and RST, as when a network drops every packet. */
  freeze(): void;
  thaw(): void;
  /** Resets every connection on both sides. */
  cut(): void;
}

/** A TCP proxy on 127.0.0.1 in front of another port, whose network can be taken away. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<Pair>();
  const bytes = { fromClient: 0, fromTarget: 0 };
  let frozen = false;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const pair = new Pair(client, target, bytes, () => pairs.delete(pair));
    pairs.add(pair);
    pair.frozen = frozen;
  });
  const listening = await listenOnLoopback(server);
  const setFrozen = (to: boolean) => {
    frozen = to;
    for (const pair of pairs) pair.frozen = to;
  };
  return {
    port: listening.port,
    get connectionCount() {
      return pairs.size;
    },
    bytes,
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
    cut() {
      for (const pair of pairs) pair.reset();
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) pair.reset();
      await listening.close();
    },
  };
}

class Pair {
  readonly #directions: readonly Direction[];
  readonly #sockets: readonly Socket[];

  constructor(
    client: Socket,
    target: Socket,
    bytes: { fromClient: number; fromTarget: number },
    onClosed: () => void,
  ) {
    this.#sockets = [client, target];
    let open = 2;
    for (const socket of this.#sockets) {
      socket.once("close", () => {
        open -= 1;
        if (open === 0) onClosed();
      });
    }
    this.#directions = [
      new Direction(client, target, (count) => (bytes.fromClient += count)),
      new Direction(target, client, (count) => (bytes.fromTarget += count)),
    ];
  }

  set frozen(frozen: boolean) {
    for (const direction of this.#directions) direction.setFrozen(frozen);
  }

  reset(): void {
    for (const direction of this.#directions) direction.setFrozen(false);
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

class Direction {
  #frozen = true;
  #blocked = false;
  /** What happened while frozen and has still to be passed on. */
  #late: (() => void) | undefined;

  readonly #from: Socket;

  constructor(from: Socket, to: Socket, count: (bytes: number) => void) {
    this.#from = from;
    from.pause();
    from.on("data", (chunk: Buffer) => {
      count(chunk.length);
      this.#blocked = !to.write(chunk);
      this.#flow();
    });
    to.on("drain", () => {
      this.#blocked = false;
      this.#flow();
    });
    from.on("end", () => this.#pass(() => to.end()));
    let error: Error | undefined;
    from.on("error", (cause) => (error = cause));
    from.on("close", () => this.#pass(() => (error ? to.resetAndDestroy() : to.end())));
  }

  setFrozen(frozen: boolean): void {
    this.#frozen = frozen;
    if (!frozen) this.#late?.();
    this.#flow();
  }

  #pass(action: () => void): void {
    if (this.#frozen) this.#late = action;
    else action();
  }

  #flow(): void {
    if (this.#frozen || this.#blocked) this.#from.pause();
    else this.#from.resume();
  }
}
