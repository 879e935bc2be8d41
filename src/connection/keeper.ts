import { createHash } from "node:crypto";
import type { ConnectionRequest } from "../request/connection-request.ts";
import type { Change } from "../store/store.ts";
import { unlessAway } from "../store/unless-away.ts";
import {
  places,
  storedRequest,
  toRecord,
  type Keeping,
  type KeptRecord,
  type StoredConnection,
} from "./stored-connection.ts";

/** A save that nobody waits for is tried again so much later, when the store has not taken it. */
const retryMs = 1_000;

/** What a keeper begins with. */
export interface KeeperStart {
  /** Changed along with the first save. */
  readonly first: readonly Change[];
  /** The record as it is, where there is one already. */
  readonly kept: KeptRecord | null;
}

/**
 * Keeps the record of one connection. Saves go one after another, and those that are asked for while one is under way
 * are one.
 */
export class Keeper {
  readonly #id: string;
  readonly #keeping: Keeping;
  readonly #state: () => StoredConnection;
  /** Sealing is not cheap, and the request rarely changes. */
  #sealed: { readonly of: ConnectionRequest; readonly text: string } | null = null;
  /** The digest of the record as it is in the store, where that is known: there are many, and they are not short. */
  #kept: string | null = null;
  /** Counts what has been written, by this one or over it. */
  #written = 0;
  #underWay: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #first: readonly Change[];
  #finished = false;
  #isRemoved = false;

  constructor(id: string, keeping: Keeping, state: () => StoredConnection, { first, kept }: KeeperStart) {
    this.#id = id;
    this.#keeping = keeping;
    this.#state = state;
    this.#first = first;
    if (kept === null) return;
    this.#kept = digest(kept.value);
    this.#sealed = { of: state().request, text: kept.storedRequest };
  }

  /**
   * Resolves when the connection as it is now, or as it is later, is kept.
   *
   * @throws {StoreError}
   * @throws {Problem} `secret-key-missing`
   */
  save(): Promise<void> {
    if (this.#next !== null || this.#finished) return this.#next ?? this.#underWay;
    const next = this.#underWay.then(() => {
      this.#next = null;
      return this.#write();
    });
    this.#next = next;
    // Whoever waits is told; the next one goes on.
    this.#underWay = next.catch(() => {});
    return next;
  }

  /** Saves, be it later: nobody is told of a failure. */
  saveSoon(): void {
    clearTimeout(this.#retry);
    this.save().catch(() => {
      if (!this.#stopped && !this.#finished) this.#retry = setTimeout(() => this.saveSoon(), retryMs);
    });
  }

  /** Saves, be it later, over what another one has written. */
  overwrite(): void {
    this.#kept = null;
    this.#written += 1;
    this.saveSoon();
  }

  /** Resolves when what was asked for until now is kept, or has failed; at once when the store keeps nothing at present. */
  settled(): Promise<void> {
    return unlessAway(this.#keeping.store, this.#underWay);
  }

  /** Takes no more saves, because the process ends; who waits for one is answered when it is written. */
  finish(): void {
    this.#finished = true;
    clearTimeout(this.#retry);
  }

  /** Writes nothing from here on: another one has the record, or nobody. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  /**
   * Resolves when the record is gone for good, and `rest` with it.
   *
   * @throws {StoreError} when it is not
   */
  async remove(rest: readonly Change[]): Promise<void> {
    const { store, lease } = this.#keeping;
    this.stop();
    this.#kept = null;
    this.#isRemoved = true;
    try {
      await store.commit(lease, [...this.removal(), ...rest]);
    } catch (error) {
      this.#stopped = false;
      this.#isRemoved = false;
      // What was to be saved meanwhile was not.
      this.saveSoon();
      throw error;
    }
  }

  /** The record is gone, or on its way to be. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** What removes the record, and the outbox. */
  removal(): Change[] {
    return [
      { type: "delete", space: places.connections, key: this.#id },
      { type: "clear", space: places.outbox(this.#id) },
    ];
  }

  async #write(): Promise<void> {
    const { store, lease, sealer } = this.#keeping;
    const { request } = this.#state();
    if (this.#sealed?.of !== request)
      this.#sealed = { of: request, text: await storedRequest(this.#id, request, sealer) };
    const state = this.#state();
    if (this.#stopped) return;
    // It has changed while it was sealed.
    if (state.request !== request) return this.#write();
    const value = toRecord(state, this.#sealed.text);
    const digested = digest(value);
    if (digested === this.#kept && this.#first.length === 0) return;
    // Until it is known what became of it.
    this.#kept = null;
    this.#written += 1;
    const written = this.#written;
    const put: Change = { type: "put", space: places.connections, key: this.#id, value };
    await store.commit(lease, [...this.#first, put]);
    this.#first = [];
    if (written === this.#written) this.#kept = digested;
  }
}

function digest(record: string): string {
  return createHash("sha256").update(record).digest("base64");
}
