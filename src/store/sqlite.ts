import { StoreInUse } from "./in-use.ts";
import { Worker } from "node:worker_threads";
import { Histogram } from "../histogram.ts";
import { Listeners } from "../listeners.ts";
import { GroupCommit } from "./group-commit.ts";
import { writeGroup } from "./group-text.ts";
import type { OpeningOptions } from "./opening.ts";
import type { Commit } from "./commit.ts";
import type { SqliteOptions } from "./sqlite-file.ts";
import type { FromEngine, Read, ToEngine } from "./sqlite-messages.ts";
import {
  StoreError,
  type Change,
  type Lease,
  type Position,
  type Store,
  type StoreHealth,
  type StoredEntry,
  type StoredLog,
  type StoredRecord,
} from "./store.ts";

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: StoreError) => void };

/** How often a store that is full or away is tried again. */
const recoverEveryMs = 1_000;

/** What is under way at the end has so long. */
const closeWithinMs = 5_000;

const died = "The store's thread has ended";

/** Beside this file, or beside what it was built into. */
const threadFile = import.meta.url.endsWith(".ts") ? "./sqlite-thread.ts" : "./sqlite-thread.js";

/**
 * Opens a store in an SQLite file, which is made when it is not there, and locked for as long as it is open.
 *
 * @throws {Error} with a sentence for the operator, when the file cannot be used
 */
export function openSqlite(
  options: SqliteOptions,
  { onOpening, signal }: OpeningOptions = {},
): Promise<Store> {
  const worker = new Worker(new URL(threadFile, import.meta.url), { workerData: options });
  return new Promise((resolve, reject) => {
    const failed = (why: string) => reject(new Error(`The store cannot be opened: ${why}`));
    const onError = (error: unknown) => failed(String(error));
    const onExit = () => failed(died);
    const onAbort = () => {
      worker.off("message", onMessage);
      failed("this was given up");
      // Not waited for: it may be within a statement that takes minutes.
      void worker.terminate();
    };
    const onMessage = (message: FromEngine): void => {
      if (message.type === "opening") return onOpening?.(message.opening);
      worker.off("message", onMessage);
      worker.off("error", onError);
      worker.off("exit", onExit);
      signal?.removeEventListener("abort", onAbort);
      if (message.type === "opened") return resolve(new SqliteStore(worker, message.epoch, message.health));
      void worker.terminate();
      if (message.type !== "refused") return reject(new Error(died));
      return reject(message.inUse ? new StoreInUse(message.message) : new Error(message.message));
    };
    worker.on("message", onMessage);
    worker.once("error", onError);
    worker.once("exit", onExit);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

/** An SQLite file, by way of the thread that has it. */
class SqliteStore implements Store {
  readonly survives = "power";
  readonly epoch: string;
  readonly #worker: Worker;
  readonly #watchers = new Listeners();
  readonly #group: GroupCommit;
  readonly commitSeconds = new Histogram([
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
  ]);
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #health: StoreHealth;
  #number = 0;
  #recovery: ReturnType<typeof setTimeout> | undefined;
  #closing = false;
  #ended = false;

  constructor(worker: Worker, epoch: string, health: StoreHealth) {
    this.epoch = epoch;
    this.#worker = worker;
    this.#health = health;
    const send = (group: readonly Commit[]) => this.#post({ type: "commit", ...writeGroup(group) });
    this.#group = new GroupCommit(send, this.commitSeconds);
    worker.on("message", (message: FromEngine) => this.#receive(message));
    worker.on("error", (error) => this.#end(`${died}: ${String(error)}`));
    worker.on("exit", () => this.#end(died));
    this.#scheduleRecovery();
  }

  get health(): StoreHealth {
    return this.#health;
  }

  onHealth(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  async acquire(): Promise<Lease> {
    const token = await this.#ask((number) => ({ type: "acquire", number }));
    return { token: String(token) };
  }

  commit({ token }: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    if (this.#closing) return Promise.reject(new StoreError("unavailable", "The store has been closed"));
    return this.#group.add({ token, changes });
  }

  records(space: string, after: string | null, limit: number): Promise<readonly StoredRecord[]> {
    return this.#read({ method: "records", args: [space, after, limit] });
  }

  count(space: string): Promise<number> {
    return this.#read({ method: "count", args: [space] });
  }

  spaces(prefix: string): Promise<readonly string[]> {
    return this.#read({ method: "spaces", args: [prefix] });
  }

  get(space: string, key: string): Promise<string | null> {
    return this.#read({ method: "get", args: [space, key] });
  }

  entries(log: string, after: Position, limit: number): Promise<readonly StoredEntry[]> {
    return this.#read({ method: "entries", args: [log, after, limit] });
  }

  logs(prefix: string): Promise<readonly StoredLog[]> {
    return this.#read({ method: "logs", args: [prefix] });
  }

  /** Keeps what is under way, and closes the file; what a failing disk does not let in within a time is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const giveUp = setTimeout(() => this.#end("The store was closed while its disk failed"), closeWithinMs);
      await Promise.race([this.#group.idle(), this.#closed.promise]);
      this.#post({ type: "close" });
      await this.#closed.promise;
      clearTimeout(giveUp);
      clearTimeout(this.#recovery);
      await this.#worker.terminate();
    }
    await this.#closed.promise;
  }

  #read<T>(read: Read): Promise<T> {
    return this.#ask((number) => ({ type: "read", number, read })) as Promise<T>;
  }

  #ask(message: (number: number) => ToEngine): Promise<unknown> {
    if (this.#closing) return Promise.reject(new StoreError("unavailable", "The store has been closed"));
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      this.#post(message(number));
    });
  }

  #post(message: ToEngine): void {
    // Of a thread, and not of a window, which would want an origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message);
  }

  #receive(message: FromEngine): void {
    switch (message.type) {
      case "committed": {
        const { results, groups, health } = message;
        this.#setHealth(health);
        if (results === null) this.#group.refuse(groups, health.state === "open" ? "" : health.detail);
        else this.#group.done(results);
        return;
      }
      case "recovered":
        this.#setHealth(message.health);
        if (message.results !== null) this.#group.decided(message.results);
        return;
      case "answer":
        this.#take(message.number)?.resolve(message.value);
        return;
      case "error":
        this.#take(message.number)?.reject(
          new StoreError(message.kind, message.message, message.firstPosition),
        );
        return;
      case "closed":
        this.#end("The store has been closed");
        return;
      case "opening":
      case "opened":
      case "refused":
        return;
      default:
        message satisfies never;
    }
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    return pending;
  }

  #setHealth(health: StoreHealth): void {
    const before = this.#health;
    this.#health = health;
    this.#scheduleRecovery();
    if (health.state !== before.state) this.#watchers.call();
  }

  #scheduleRecovery(): void {
    clearTimeout(this.#recovery);
    if (this.#health.state === "open") return;
    this.#recovery = setTimeout(() => this.#post({ type: "recover" }), recoverEveryMs);
    this.#recovery.unref();
  }

  /** The thread has gone, expected or not: nothing can be kept any more. */
  #end(detail: string): void {
    this.#closed.resolve();
    if (this.#ended) return;
    this.#ended = true;
    this.#closing = true;
    clearTimeout(this.#recovery);
    this.#health = { state: "away", detail };
    this.#group.fail(detail);
    for (const { reject } of this.#pending.values()) reject(new StoreError("unavailable", detail));
    this.#pending.clear();
    this.#watchers.call();
  }
}
