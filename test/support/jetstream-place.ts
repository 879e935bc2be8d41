import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { patiently } from "../../src/cluster/patience.ts";
import { openJetstream, type JetstreamOptions } from "../../src/store/jetstream.ts";
import { openStream } from "../../src/store/jetstream-stream.ts";
import type { Store } from "../../src/store/store.ts";
import type { Nats } from "./nats.ts";

/** A stream of its own for one test, and stores of several nodes on it. */
export class JetstreamPlace implements AsyncDisposable {
  readonly name: string;
  readonly manager: JetStreamManager;
  readonly #nats: Nats;
  readonly #epoch: string;
  readonly #open: AsyncDisposable[] = [];

  private constructor(nats: Nats, name: string, manager: JetStreamManager, epoch: string) {
    this.#nats = nats;
    this.name = name;
    this.manager = manager;
    this.#epoch = epoch;
  }

  static async make(nats: Nats, name: string, replicas = nats.servers.length): Promise<JetstreamPlace> {
    const connection = await nats.connect();
    const manager = await jetstreamManager(connection);
    const open = () => openStream(manager, { name, replicas, shards: 1 }, () => `epoch-${name}`);
    const { epoch } = await patiently(open, () => performance.now());
    const place = new JetstreamPlace(nats, name, manager, epoch);
    place.#open.push({ [Symbol.asyncDispose]: () => connection.close() });
    return place;
  }

  /** As a node opens it that has a network connection of its own. */
  async store(
    node: string,
    options: Partial<JetstreamOptions> = {},
  ): Promise<Store & { readonly connection: NatsConnection }> {
    const connection = options.connection ?? (await this.#nats.connect());
    const store = await openJetstream({
      ...{ connection, stream: this.name, epoch: this.#epoch, shard: 0, node, maxBytes: 1e9 },
      ...options,
    });
    this.#open.push({
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await connection.close();
      },
    });
    return Object.assign(store, { connection });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#open.toReversed()) await each[Symbol.asyncDispose]();
  }
}
