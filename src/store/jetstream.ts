import { randomUUID } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { Histogram } from "../histogram.ts";
import { Listeners } from "../listeners.ts";
import type { Commit, CommitResult } from "./commit.ts";
import { GroupCommit } from "./group-commit.ts";
import { ImageReads } from "./image-reads.ts";
import { cut, encodeCommits } from "./jetstream-bytes.ts";
import { Chain, pieceId, type ChainRecord, type RecordKind } from "./jetstream-chain.ts";
import { applyRecord, draft, type Draft } from "./jetstream-draft.ts";
import { replay, type SnapshotPlace } from "./jetstream-replay.ts";
import { Snapshots } from "./jetstream-snapshots.ts";
import { subjectOf } from "./jetstream-stream.ts";
import { StoreError, type Change, type Lease, type Position, type Store, type StoreHealth } from "./store.ts";

export interface JetstreamOptions {
  readonly connection: NatsConnection;
  /** The stream, which is there. */
  readonly stream: string;
  readonly epoch: string;
  readonly shard: number;
  /** Who it is that writes, for others to see. */
  readonly node: string;
  /** Characters that all that is kept may take, about. */
  readonly maxBytes: number;
  /** The record that the first {@link Store.acquire} is to follow; where another one has come since, it is `fenced`. */
  readonly claimAfter?: number;
  /** Somebody else owns it. Called once. */
  readonly onLost?: () => void;
  /** Counts how long commits take; those of all shards of a node count in one. Its own unless told. */
  readonly commitSeconds?: Histogram;
}

/** What stays undecided for so long is `away`: nobody is to wait for it. */
const patienceMs = 3_000;
const closeWithinMs = 5_000;
/** Room counts as such again when there is a little. */
const roomAgain = 0.98;

/** What commits on JetStream count in, in seconds. */
export function commitTimes(): Histogram {
  return new Histogram([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]);
}

/** Opens what one shard has on JetStream. Nothing is read before it is acquired. */
export async function openJetstream(options: JetstreamOptions): Promise<Store> {
  const { connection } = options;
  const manager = await jetstreamManager(connection, { timeout: patienceMs, checkAPI: false });
  return new JetstreamStore(options, { client: jetstream(connection), manager });
}

type Parts = Pick<ConstructorParameters<typeof Snapshots>[0], "client" | "manager">;

/** A chain of records, and the image that they leave behind, which is what is read. */
class JetstreamStore extends ImageReads implements Store {
  readonly survives = "power";
  readonly epoch: string;
  readonly commitSeconds: Histogram;
  readonly #options: JetstreamOptions;
  readonly #chain: Chain;
  readonly #snapshots: Snapshots;
  readonly #snapshotSubject: string;
  readonly #group: GroupCommit;
  readonly #watchers = new Listeners();
  /** Of whoever acquired it last, here; null before, and when somebody else has. */
  #token: string | null = null;
  #health: StoreHealth = { state: "open" };
  /** One at a time goes out. */
  #line: Promise<unknown> = Promise.resolve();
  /** Since when it is not known what became of what is under way. */
  #doubtSince: number | null = null;
  #refused = false;
  #groupsUnderWay = 0;
  #closing: Promise<void> | null = null;

  constructor(options: JetstreamOptions, { client, manager }: Parts) {
    super();
    const { connection, stream, shard, node, epoch } = options;
    this.epoch = epoch;
    this.commitSeconds = options.commitSeconds ?? commitTimes();
    this.#options = options;
    const [log, pieces] = [subjectOf(stream, shard, "log"), subjectOf(stream, shard, "snap")];
    this.#snapshotSubject = pieces;
    this.#chain = new Chain({ connection, client, manager, stream, subject: log, node }, () => this.#doubt());
    this.#snapshots = new Snapshots({ client, manager, stream, log, pieces, maxPayload: this.#maxPayload });
    this.#group = new GroupCommit((group) => this.#send(group), this.commitSeconds, 1);
  }

  get health(): StoreHealth {
    return this.#health;
  }

  onHealth(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  /** @throws {StoreError} `fenced` where somebody else was faster; `unavailable`, `unknown` */
  acquire(): Promise<Lease> {
    const { claimAfter } = this.#options;
    return this.#inLine(async () => {
      const isFirst = this.#token === null;
      const last =
        isFirst && claimAfter !== undefined ? claimAfter : ((await this.#chain.readLast())?.sequence ?? 0);
      const sequence = await this.#append(sign("owner"), last);
      const { image, bytes } = await replay(this.#chain, this.#snapshotSubject, sequence);
      this.image = image;
      this.#snapshots.reset(bytes);
      this.#token = String(sequence);
      this.#certain();
      return { token: this.#token };
    });
  }

  commit({ token }: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    if (this.#closing !== null)
      return Promise.reject(new StoreError("unavailable", "The store has been closed"));
    return this.#group.add({ token, changes });
  }

  /** Keeps what is under way, and lets go, so that another node need not wait; the network connection stays open. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Nothing may come behind the record with which it lets go: whoever looks would take it for the owner still.
    this.#snapshots.stop();
    const giveUp = setTimeout(() => this.#chain.stop(), closeWithinMs);
    await this.#group.idle();
    if (this.#token !== null)
      await this.#inLine(() => this.#append(sign("release"))).catch(() => {
        // Whoever takes over finds out by itself.
      });
    clearTimeout(giveUp);
    this.#chain.stop();
    this.#setHealth({ state: "away", detail: "The store has been closed" });
  }

  get #maxPayload(): number {
    return this.#options.connection.info?.max_payload ?? 1_048_576;
  }

  #send(group: readonly Commit[]): void {
    this.#groupsUnderWay += 1;
    void this.#inLine(() => this.#write(group));
  }

  /** Never rejects. */
  async #write(group: readonly Commit[]): Promise<void> {
    const isFull = this.#health.state === "full";
    const looked = draft(this.image, group, this.#token ?? "", isFull);
    const results = looked.accepted.length === 0 ? looked.results(0) : await this.#keep(looked);
    this.#groupsUnderWay -= 1;
    this.#certain(results);
  }

  async #keep({ accepted, results, refused }: Draft): Promise<readonly CommitResult[]> {
    const bytes = encodeCommits(accepted);
    const pieces = cut(bytes, this.#maxPayload);
    const whole = randomUUID();
    try {
      let sequence = 0;
      for (const [index, data] of pieces.entries()) {
        const more = index < pieces.length - 1;
        sequence = await this.#append({ kind: "changes", id: pieceId(whole, index), more, data });
      }
      applyRecord(this.image, sequence, accepted);
      this.#afterRecord(bytes.length, sequence);
      return results(sequence);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return refused({ ok: false, kind: error.kind, message: error.message });
    }
  }

  /** @throws {StoreError} what the chain throws; when it is somebody else's, that is known afterwards */
  async #append(record: ChainRecord, last?: number): Promise<number> {
    try {
      const sequence = await this.#chain.append(record, last);
      this.#doubtSince = null;
      return sequence;
    } catch (error) {
      const isOver = error instanceof StoreError && (error.kind === "fenced" || error.kind === "unknown");
      if (isOver && this.#token !== null && this.#closing === null) this.#lose();
      throw error;
    }
  }

  #lose(): void {
    this.#token = null;
    this.#snapshots.stop();
    this.#setHealth({ state: "away", detail: "Another node owns the store" });
    this.#options.onLost?.();
  }

  #afterRecord(bytes: number, through: number): void {
    this.#setHealth(this.#room());
    if (!this.#snapshots.isDue(bytes, this.image)) return;
    const name = async (place: SnapshotPlace) => {
      const data = new TextEncoder().encode(JSON.stringify(place));
      try {
        await this.#inLine(() => this.#name(data));
      } finally {
        // Where it was not kept, that is known, too.
        if (this.#groupsUnderWay === 0) this.#certain();
      }
    };
    void this.#snapshots.take(this.image, through, name);
  }

  #name(data: Uint8Array): Promise<number> {
    if (this.#closing !== null) throw new StoreError("unavailable", "The store has been closed");
    return this.#append({ ...sign("snapshot"), data });
  }

  #room(): StoreHealth {
    const { maxBytes } = this.#options;
    const most = this.#health.state === "full" ? maxBytes * roomAgain : maxBytes;
    if (this.image.length <= most) return { state: "open" };
    return { state: "full", detail: `The store has ${maxBytes} bytes, which is as many as it may` };
  }

  #doubt(): void {
    const now = performance.now();
    this.#doubtSince ??= now;
    if (this.#refused || now - this.#doubtSince < patienceMs) return;
    this.#refused = true;
    const detail = "The servers of the store do not answer";
    this.#setHealth({ state: "away", detail });
    this.#group.refuse(this.#groupsUnderWay, detail);
  }

  /** It is known what became of what was under way. */
  #certain(results: readonly CommitResult[] = []): void {
    this.#doubtSince = null;
    const wasRefused = this.#refused;
    this.#refused = false;
    const isOwner = this.#token !== null && this.#closing === null;
    if (wasRefused && isOwner) this.#setHealth(this.#room());
    if (wasRefused) this.#group.decided(results);
    else this.#group.done(results);
  }

  #setHealth(health: StoreHealth): void {
    const before = this.#health;
    this.#health = health;
    if (health.state !== before.state) this.#watchers.call();
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#line.then(job);
    this.#line = done.catch(() => {});
    return done;
  }
}

/** A record that says nothing but what it is. */
function sign(kind: RecordKind): ChainRecord {
  return { kind, id: randomUUID(), more: false, data: new Uint8Array() };
}
