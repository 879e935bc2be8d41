import { connect, createServer, type Socket } from "node:net";
import { listenOnLoopback, type LoopbackServer } from "../support/loopback-server.ts";

/** One MQTT network connection, from its CONNECT on; times are of `performance.now()`. */
interface Link {
  readonly openedAt: number;
  /** When whoever dialled let go of it; null while it has not. */
  closedAt: number | null;
  isOpenAtBroker: boolean;
}

/** In front of a broker: sees who holds which client id, and since when. Only MQTT over TCP. */
export class ClientWatch implements AsyncDisposable {
  readonly #links = new Map<string, Link[]>();
  readonly #takeOvers = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  #listening: LoopbackServer | null = null;

  static async start(brokerPort: number): Promise<ClientWatch> {
    const watch = new ClientWatch();
    const server = createServer({ allowHalfOpen: true }, (client) => watch.#accept(client, brokerPort));
    watch.#listening = await listenOnLoopback(server);
    return watch;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#listening?.port ?? 0}`;
  }

  /** How often a client id was connected while it was connected already. */
  takeOversOf(clientId: string): number {
    return this.#takeOvers.get(clientId) ?? 0;
  }

  connectsOf(clientId: string): number {
    return this.#links.get(clientId)?.length ?? 0;
  }

  /** The client id's last CONNECT; null where there was none. */
  lastConnectOf(clientId: string): number | null {
    return this.#links.get(clientId)?.at(-1)?.openedAt ?? null;
  }

  /** When the client id was held twice: pieces of time, each with how long it was. */
  overlapsOf(clientId: string): readonly { readonly from: number; readonly to: number }[] {
    const links = this.#links.get(clientId) ?? [];
    return links.flatMap(({ openedAt }, index) =>
      links.slice(0, index).flatMap(({ closedAt }) => {
        const to = closedAt ?? performance.now();
        return to > openedAt ? [{ from: openedAt, to }] : [];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#listening?.close();
  }

  #accept(client: Socket, brokerPort: number): void {
    const broker = connect({ port: brokerPort, host: "127.0.0.1", allowHalfOpen: true });
    let link: Link | null = null;
    let head = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => {
      if (link !== null) return;
      head = Buffer.concat([head, chunk]);
      const clientId = clientIdOf(head);
      if (clientId === null) return;
      link = this.#opened(clientId);
    });
    client.pipe(broker);
    broker.pipe(client);
    const ended = (from: Socket, other: Socket) => {
      if (link !== null && from === client) link.closedAt ??= performance.now();
      if (link !== null && from === broker) link.isOpenAtBroker = false;
      return other;
    };
    for (const [from, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => ended(from, other).destroy());
      from.on("end", () => ended(from, other));
      from.on("close", () => {
        this.#sockets.delete(from);
        ended(from, other).end();
      });
    }
  }

  #opened(clientId: string): Link {
    const links = this.#links.get(clientId) ?? [];
    this.#links.set(clientId, links);
    if (links.some(({ isOpenAtBroker }) => isOpenAtBroker))
      this.#takeOvers.set(clientId, this.takeOversOf(clientId) + 1);
    const link = { openedAt: performance.now(), closedAt: null, isOpenAtBroker: true };
    links.push(link);
    return link;
  }
}

/** Of a CONNECT of MQTT 3.1.1 or 5 (MQTT 5 §3.1); null where it is not whole yet. */
function clientIdOf(bytes: Buffer): string | null {
  const start = 1 + lengthOf(bytes, 1);
  // Protocol name and level, flags, keep alive.
  const level = bytes[start + 6];
  let at = start + 10;
  if (level === undefined || bytes.length < at + 1) return null;
  if (level === 5) {
    const size = lengthOf(bytes, at);
    at += size + variable(bytes, at);
  }
  if (bytes.length < at + 2) return null;
  const end = at + 2 + bytes.readUInt16BE(at);
  return bytes.length < end ? null : bytes.toString("utf8", at + 2, end);
}

/** How many bytes a variable byte integer has (MQTT 5 §1.5.5). */
function lengthOf(bytes: Buffer, at: number): number {
  let size = 1;
  while (((bytes[at + size - 1] ?? 0) & 0x80) !== 0) size += 1;
  return size;
}

function variable(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = 0; i < lengthOf(bytes, at); i += 1) value += ((bytes[at + i] ?? 0) & 0x7f) << (7 * i);
  return value;
}
