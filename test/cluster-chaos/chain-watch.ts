import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { placed, type PlacedRecord } from "../../src/store/jetstream-chain.ts";

/** A node's time with a shard, from its owner record on. */
export interface SeenTerm {
  readonly shard: number;
  /** The node's name, as it was given. */
  readonly name: string;
  /** Of one process. */
  readonly node: string;
  readonly sequence: number;
  /** Wall clock of the server that took the record, in milliseconds. */
  readonly at: number;
}

interface Shard {
  term: SeenTerm | null;
  last: number;
}

const everyMs = 150;
const batch = 512;

/** Reads along what nodes write, and looks whether the fence holds: whoever is not the owner writes nothing. */
export class ChainWatch implements AsyncDisposable {
  readonly terms: SeenTerm[] = [];
  readonly wrong: string[] = [];
  readonly stream: string;
  readonly #manager: JetStreamManager;
  readonly #shards = new Map<number, Shard>();
  #next = 1;
  #lastAt = 0;
  #records = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** `stream` may not be there yet. */
  static async start(connection: NatsConnection, stream: string): Promise<ChainWatch> {
    const manager = await jetstreamManager(connection, { timeout: 2_500, checkAPI: false });
    const watch = new ChainWatch(manager, stream);
    watch.#running = watch.#run();
    return watch;
  }

  private constructor(manager: JetStreamManager, stream: string) {
    this.#manager = manager;
    this.stream = stream;
  }

  get records(): number {
    return this.#records;
  }

  /** When the last record that was seen was written; wall clock, in milliseconds. */
  get lastAt(): number {
    return this.#lastAt;
  }

  ownedBy(name: string): readonly number[] {
    return [...this.#shards].flatMap(([shard, { term }]) => (term?.name === name ? [shard] : []));
  }

  ownerOf(shard: number): string | null {
    return this.#shards.get(shard)?.term?.name ?? null;
  }

  termsOf(shard: number): number {
    return this.terms.filter((term) => term.shard === shard).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const before = this.#next;
      await this.#read().catch(() => {});
      if (this.#next === before) await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async #read(): Promise<void> {
    const query = { seq: this.#next, next_by_subj: `${this.stream}.*.log`, batch };
    for await (const message of await this.#manager.direct.getBatch(this.stream, query)) {
      this.#next = message.seq + 1;
      this.#lastAt = Math.max(this.#lastAt, message.time.getTime());
      this.#take(Number(message.subject.split(".").at(-2)), placed(message), message.time.getTime());
    }
  }

  #take(shard: number, record: PlacedRecord, at: number): void {
    this.#records += 1;
    const { kind, node, sequence, previous } = record;
    const known: Shard = this.#shards.get(shard) ?? { term: null, last: 0 };
    this.#shards.set(shard, known);
    const { term } = known;
    // What a snapshot has is removed, and was perhaps not seen.
    const isWhole = previous === known.last;
    if (previous < known.last)
      this.wrong.push(
        `shard ${shard}: record ${sequence} follows ${previous}, behind which is ${known.last}`,
      );
    known.last = sequence;
    if (kind === "owner") {
      const name = node.replace(/-[0-9a-f]{8}$/, "");
      known.term = { shard, name, node, sequence, at };
      this.terms.push(known.term);
    } else if (isWhole && term !== null && term.node !== node)
      this.wrong.push(`shard ${shard}: ${node} wrote a ${kind}, ${sequence}, in the term of ${term.node}`);
  }
}
