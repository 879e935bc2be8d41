import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { StoreError } from "./store.ts";

/** What a record of the chain is. */
export type RecordKind =
  /** From here on the node that wrote it is the owner. */
  | "owner"
  /** The owner has let go. */
  | "release"
  /** A group of commits, or a piece of one. */
  | "changes"
  /** All up to a place is kept elsewhere, in pieces. */
  | "snapshot";

export interface ChainRecord {
  readonly kind: RecordKind;
  /** Of no other record. */
  readonly id: string;
  /** Another piece follows, which the same owner writes. */
  readonly more: boolean;
  readonly data: Uint8Array;
}

/** The id of a piece of a whole that is cut in several. */
export function pieceId(whole: string, index: number): string {
  return `${whole}/${index}`;
}

/** Of which whole a piece is. */
export function wholeOf({ id }: ChainRecord): string {
  return id.split("/")[0] ?? id;
}

/** A record that is there. */
export interface PlacedRecord extends ChainRecord {
  readonly sequence: number;
  /** That of the record which it follows, by what its writer had the servers check; 0 of the very first one. */
  readonly previous: number;
  /** Who wrote it. */
  readonly node: string;
}

export interface ChainOptions {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly subject: string;
  /** Who writes. */
  readonly node: string;
}

const wrongLastSequence = 10_071;
/** Another write is on its way there; the server does not say whose. */
const writeUnderWay = 10_164;
/** The account, the server, or the stream has no room. */
const noRoom = new Set([10_002, 10_023, 10_047, 10_077]);

/** A server that does not answer in this time may have got it; it is given the same again. */
const answerMs = 2_500;
const retryMs = 250;
/** Of one read of many. */
const batchRecords = 256;
const batchBytes = 8_388_608;

/**
 * Records on one subject of a stream, each of which is accepted only behind the one that its writer knows to be the last.
 * That is the fence: when somebody else has written, whoever did not know can write nothing any more. One at a time is under
 * way, so that there is never a doubt what the last one is.
 */
export class Chain {
  readonly #options: ChainOptions;
  readonly #onDoubt: () => void;
  #last = 0;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** `onDoubt` is called when it is not known at present whether a record is there; it is found out by itself. */
  constructor(options: ChainOptions, onDoubt: () => void) {
    this.#options = options;
    this.#onDoubt = onDoubt;
  }

  /** The last one that is known, its sequence number in the stream. */
  get last(): number {
    return this.#last;
  }

  /** What is there, by the leader. @throws what the server says, or that it does not answer */
  async readLast(): Promise<PlacedRecord | null> {
    const { manager, stream, subject } = this.#options;
    const found = await manager.streams.getMessage(stream, { last_by_subj: subject });
    return found === null ? null : placed(found);
  }

  /**
   * Writes behind the record `last`; tried until it is known what became of it.
   *
   * @throws {StoreError} `fenced`: somebody else has written, and this is not there; `unknown`: the same, but it may have
   * been there before that, or the chain was stopped; `full`; `unavailable` where the chain is stopped already
   */
  async append(record: ChainRecord, last = this.#last): Promise<number> {
    let tried = false;
    for (;;) {
      if (this.#stopped) throw new StoreError(tried ? "unknown" : "unavailable", "The store has been closed");
      try {
        return this.#known(await this.#publish(record, last));
      } catch (error) {
        const code = error instanceof JetStreamApiError ? error.code : null;
        if (code !== null && noRoom.has(code) && !tried)
          throw new StoreError("full", "The servers of the store have no room");
        if (code === wrongLastSequence || code === writeUnderWay) {
          const found = await this.#readLast();
          if (found?.id === record.id) return this.#known(found.sequence);
          if ((found?.sequence ?? 0) !== last) throw fenced(tried);
          // It was refused, for another's write that is on its way; what was not may be there yet.
        } else tried = true;
        this.#onDoubt();
        await this.#pause();
      }
    }
  }

  /** Records from one on up to and including another, which is there. @throws {StoreError} `unavailable` */
  async *read(from: number, through: number, withinMs = 30_000): AsyncGenerator<PlacedRecord> {
    for await (const message of this.readSubject(this.#options.subject, from, through, withinMs))
      yield placed(message);
  }

  /** The messages of a subject of the stream. Replicas may lag, but leave nothing out. @throws {StoreError} `unavailable` */
  async *readSubject(
    subject: string,
    from: number,
    through: number,
    withinMs = 30_000,
  ): AsyncGenerator<StoredMsg> {
    const { manager, stream } = this.#options;
    const deadline = performance.now() + withinMs;
    for (let next = from; next <= through;) {
      const before = next;
      try {
        const query = { seq: next, next_by_subj: subject, batch: batchRecords, max_bytes: batchBytes };
        for await (const message of await manager.direct.getBatch(stream, query)) {
          if (message.seq > through) return;
          next = message.seq + 1;
          yield message;
        }
      } catch (error) {
        if (performance.now() > deadline)
          throw new StoreError("unavailable", `The store cannot be read: ${String(error)}`);
      }
      if (next !== before) continue;
      if (performance.now() > deadline || this.#stopped)
        throw new StoreError("unavailable", "The servers of the store do not tell all that they have");
      await this.#pause();
    }
  }

  /** Ends; what is not known by now stays unknown. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  #known(sequence: number): number {
    this.#last = sequence;
    return sequence;
  }

  async #readLast(): Promise<PlacedRecord | null> {
    for (;;) {
      try {
        return await this.readLast();
      } catch (error) {
        if (this.#stopped) throw new StoreError("unknown", `The store was closed: ${String(error)}`);
        this.#onDoubt();
        await this.#pause();
      }
    }
  }

  async #publish({ kind, id, more, data }: ChainRecord, last: number): Promise<number> {
    const { client, subject, node } = this.#options;
    const said = headers();
    said.set("Connack-Kind", kind);
    said.set("Connack-Id", id);
    said.set("Connack-Node", node);
    if (more) said.set("Connack-More", "1");
    const expect = { lastSubjectSequence: last };
    const { seq } = await client.publish(subject, data, { headers: said, expect, timeout: answerMs });
    return seq;
  }

  #pause(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, retryMs);
      this.#wake = end;
    });
  }
}

function fenced(tried: boolean): StoreError {
  return new StoreError(tried ? "unknown" : "fenced", "Another node owns the store");
}

export function placed({ header, data, seq }: Pick<StoredMsg, "header" | "data" | "seq">): PlacedRecord {
  return {
    kind: header.get("Connack-Kind") as RecordKind,
    id: header.get("Connack-Id"),
    node: header.get("Connack-Node"),
    more: header.has("Connack-More"),
    data,
    sequence: seq,
    previous: Number(header.get("Nats-Expected-Last-Subject-Sequence")),
  };
}
