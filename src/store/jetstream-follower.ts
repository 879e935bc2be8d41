import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import type { Following } from "./following.ts";
import { ImageReads } from "./image-reads.ts";
import { differenceOf } from "./image-difference.ts";
import { decodeCommits } from "./jetstream-bytes.ts";
import { Chain, placed, type PlacedRecord } from "./jetstream-chain.ts";
import { applyRecord } from "./jetstream-draft.ts";
import { replay, type Replayed } from "./jetstream-replay.ts";
import { SharedQuestion } from "./jetstream-question.ts";
import { liveSubjectOf, subjectOf } from "./jetstream-stream.ts";
import { Wholes } from "./jetstream-wholes.ts";
import { StoreError, type Change } from "./store.ts";

export interface FollowerOptions {
  readonly connection: NatsConnection;
  /** The stream, which is there, and tells of its records. */
  readonly stream: string;
  /** So often it is compared with what the leader has: what was told last may have been lost, and nothing follows it. */
  readonly compareEveryMs?: number;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

const answerMs = 2_500;
const readWithinMs = 5_000;
/** After a comparison that failed. */
const retryMs = 1_000;
/** Between two questions, so that those who ask for ever do not have the servers do nothing else. */
const questionEveryMs = 20;
const knownSoonMs = 50;
/** Records that came before those that they follow. */
const mostAhead = 1_000;

/**
 * Follows shard 0, and resolves when all is there that was kept up to now.
 *
 * @throws {StoreError} `unavailable`
 */
export async function followJetstream(options: FollowerOptions): Promise<JetstreamFollower> {
  const { connection, stream } = options;
  const manager = await jetstreamManager(connection, { timeout: answerMs, checkAPI: false });
  const parts = { connection, stream, manager, client: jetstream(connection) };
  const follower = new JetstreamFollower(
    options,
    new Chain({ ...parts, subject: subjectOf(stream, 0, "log"), node: "" }, () => {}),
  );
  try {
    await follower.begin();
    return follower;
  } catch (error) {
    await follower[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The image that a chain of records leaves behind, on a node that does not write it. Records are heard of live, and read
 * where a link of the chain was not heard of: each says which one it follows, and is applied behind that one only.
 */
export class JetstreamFollower extends ImageReads implements Following, AsyncDisposable {
  readonly #options: FollowerOptions;
  readonly #chain: Chain;
  readonly #now: () => number;
  readonly #question: SharedQuestion;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  /** By the record that they follow. */
  readonly #ahead = new Map<number, PlacedRecord>();
  #wholes = new Wholes();
  /** The last record that is in the image. */
  #last = 0;
  /** A record that is there, and is to be in the image. */
  #wanted = 0;
  #reading: Promise<void> | null = null;
  #certainAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #stopListening: () => void = () => {};

  constructor(options: FollowerOptions, chain: Chain) {
    super();
    this.#options = options;
    this.#chain = chain;
    this.#now = options.now ?? (() => performance.now());
    this.#question = new SharedQuestion(() => this.#compare(), questionEveryMs);
  }

  get behindMs(): number {
    return this.#now() - this.#certainAt;
  }

  get isFresh(): boolean {
    return this.behindMs <= this.#compareEveryMs + answerMs;
  }

  /** To be called once: listens first, so that nothing is missed between what is read and what is heard. */
  async begin(): Promise<void> {
    const { connection, stream } = this.#options;
    const subscription = connection.subscribe(liveSubjectOf(stream), {
      callback: (error, message) => {
        if (error === null) this.#hear(message);
      },
    });
    this.#stopListening = () => subscription.unsubscribe();
    await connection.flush();
    await this.caughtUp();
    void this.#compareOnReconnect(connection);
    this.#compareLater(this.#compareEveryMs);
  }

  onChange(listener: (changes: readonly Change[]) => void): () => void {
    const own = (changes: readonly Change[]) => listener(changes);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  caughtUp(signal?: AbortSignal): Promise<void> {
    return this.#question.ask(signal);
  }

  /** Ends; the network connection stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#chain.stop();
    await this.#reading?.catch(() => {});
  }

  get #compareEveryMs(): number {
    return this.#options.compareEveryMs ?? 10_000;
  }

  #hear({ headers, data }: Msg): void {
    if (headers === undefined) return;
    const record = placed({ header: headers, data, seq: Number(headers.get("Nats-Sequence")) });
    if (record.sequence <= this.#last) return;
    if (this.#ahead.size >= mostAhead) this.#ahead.clear();
    this.#ahead.set(record.previous, record);
    this.#takeAhead();
    if (this.#last >= record.sequence) return;
    // A comparison brings it where this fails.
    this.#reach(record.sequence).catch(() => {});
  }

  /** Applies what was heard of before, as far as it goes on. */
  #takeAhead(): void {
    for (let next = this.#ahead.get(this.#last); next !== undefined; next = this.#ahead.get(this.#last)) {
      this.#ahead.delete(next.previous);
      this.#take(next);
    }
    for (const [previous, { sequence }] of this.#ahead)
      if (sequence <= this.#last) this.#ahead.delete(previous);
  }

  /** Whether the record is in the image then: one that does not follow the last one is not taken. */
  #take(record: PlacedRecord): boolean {
    if (record.sequence <= this.#last) return true;
    if (record.previous !== this.#last) return false;
    this.#last = record.sequence;
    const whole = this.#wholes.take(record);
    if (whole === null) return true;
    const commits = decodeCommits(whole.data);
    applyRecord(this.image, whole.sequence, commits);
    this.#tell(commits.flat());
    return true;
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length > 0) for (const listener of [...this.#listeners]) listener(changes);
  }

  /** Asks the leader what the last record is, and resolves when the image has it. */
  async #compare(): Promise<void> {
    const askedAt = this.#now();
    const had = this.#last;
    const last = await this.#readLast();
    // Who was leader, and does not know yet that it is not, may say what was.
    if (last < had) throw knowsLess();
    await this.#reach(last);
    this.#certainAt = askedAt;
  }

  async #reach(sequence: number): Promise<void> {
    this.#wanted = Math.max(this.#wanted, sequence);
    while (this.#last < sequence)
      await (this.#reading ??= this.#read().finally(() => {
        this.#reading = null;
      }));
  }

  /** Reads what is missing. @throws {StoreError} `unavailable` */
  async #read(): Promise<void> {
    while (this.#last < this.#wanted && !this.#isOver) {
      const before = this.#last;
      if (before > 0) await this.#readOn();
      if (this.#last === before) await this.#readAnew();
      this.#takeAhead();
    }
    if (this.#isOver) throw new StoreError("unavailable", "The store is followed no more");
  }

  async #readOn(): Promise<void> {
    for await (const record of this.#chain.read(this.#last + 1, this.#wanted, readWithinMs))
      if (!this.#take(record)) return;
  }

  /** Records have gone that were not seen: all that there is now comes instead of them. */
  async #readAnew(): Promise<void> {
    const snapshots = subjectOf(this.#options.stream, 0, "snap");
    for (let left = 3; ; left -= 1) {
      const through = await this.#readLast();
      if (through < this.#wanted) {
        // A record may be heard of before the leader counts it as its last one.
        if (left === 0) throw knowsLess();
        await new Promise((resolve) => setTimeout(resolve, knownSoonMs));
        continue;
      }
      try {
        return this.#replace(through, await replay(this.#chain, snapshots, through, readWithinMs));
      } catch (error) {
        // Its owner has put a newer snapshot in the place of what was being read.
        if (left === 0 || this.#isOver) throw error;
      }
    }
  }

  #replace(through: number, { image, wholes }: Replayed): void {
    if (this.#last >= through) return;
    const changes = differenceOf(this.image, image);
    this.image = image;
    this.#wholes = wholes;
    this.#last = through;
    this.#tell(changes);
  }

  async #readLast(): Promise<number> {
    try {
      return (await this.#chain.readLast())?.sequence ?? 0;
    } catch (error) {
      throw new StoreError("unavailable", `The servers of the store do not answer: ${String(error)}`);
    }
  }

  #compareLater(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#compareNow(), ms);
  }

  async #compareNow(): Promise<void> {
    const next = await this.caughtUp().then(
      () => this.#compareEveryMs,
      () => retryMs,
    );
    this.#compareLater(next);
  }

  async #compareOnReconnect(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (this.#isOver) return;
      if (type === "reconnect") await this.#compareNow();
    }
  }
}

function knowsLess(): StoreError {
  return new StoreError("unavailable", "The servers of the store know less than was known");
}
