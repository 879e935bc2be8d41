import type { Change, Store } from "../store/store.ts";
import type { FailureView } from "./history.ts";
import type { Parcel } from "./parcel.ts";
import { deadSpace, droppedSpace, readAll, type Commit } from "./records.ts";
import { Serial } from "./serial.ts";

/** A delivery that was given up, with all that it takes to make it once more. */
export interface DeadLetter extends Parcel {
  readonly attempts: number;
  readonly firstAttemptAt: string;
  readonly diedAt: string;
  readonly lastFailure: FailureView;
}

export interface DeadLetterBounds {
  readonly maxLetters: number;
  /** Of bodies. */
  readonly maxBytes: number;
}

const standardBounds: DeadLetterBounds = { maxLetters: 1_000, maxBytes: 4_194_304 };

interface Kept {
  readonly key: string;
  readonly bytes: number;
}

/** The dead letters of one webhook, in the store; the oldest go when there are too many, and are counted. */
export class DeadLetters {
  readonly #webhook: string;
  readonly #store: Pick<Store, "records" | "get">;
  readonly #commit: Commit;
  readonly #bounds: DeadLetterBounds;
  /** By delivery id, oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #serial = new Serial();
  #bytes = 0;
  #dropped = 0;

  constructor(
    webhook: string,
    store: Pick<Store, "records" | "get">,
    commit: Commit,
    bounds = standardBounds,
  ) {
    this.#webhook = webhook;
    this.#store = store;
    this.#commit = commit;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** How many had to go, ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Delivery ids, oldest first. */
  get ids(): readonly string[] {
    return [...this.#kept.keys()];
  }

  async restore(): Promise<void> {
    this.#dropped = Number((await this.#store.get(droppedSpace, this.#webhook)) ?? 0);
    for await (const { key, value } of readAll(this.#store, deadSpace(this.#webhook))) {
      const { id, text } = JSON.parse(value) as DeadLetter;
      this.#note(id, { key, bytes: Buffer.byteLength(text) });
    }
  }

  /** Keeps a letter, in one commit with other changes. `now` in epoch milliseconds. */
  bury(letter: DeadLetter, now: number, others: readonly Change[]): Promise<void> {
    return this.#serial.run(async () => {
      const bytes = Buffer.byteLength(letter.text);
      const fits = bytes <= this.#bounds.maxBytes;
      const going = fits ? this.#excess(bytes) : [];
      const dropped = going.length + (fits ? 0 : 1);
      const space = deadSpace(this.#webhook);
      const key = `${String(now).padStart(15, "0")}-${letter.id}`;
      await this.#commit([
        ...others,
        ...going.map(([, { key }]): Change => ({ type: "delete", space, key })),
        ...(fits ? [{ type: "put", space, key, value: JSON.stringify(letter) } as const] : []),
        ...this.#countChange(dropped),
      ]);
      this.#dropped += dropped;
      for (const [id] of going) this.#forget(id);
      if (fits) this.#note(letter.id, { key, bytes });
    });
  }

  /** Counts what was lost without having been a letter. */
  lose(count: number, others: readonly Change[]): Promise<void> {
    return this.#serial.run(async () => {
      await this.#commit([...others, ...this.#countChange(count)]);
      this.#dropped += count;
    });
  }

  async find(id: string): Promise<DeadLetter | null> {
    const kept = this.#kept.get(id);
    if (kept === undefined) return null;
    const value = await this.#store.get(deadSpace(this.#webhook), kept.key);
    return value === null ? null : (JSON.parse(value) as DeadLetter);
  }

  remove(id: string): Promise<void> {
    return this.#serial.run(async () => {
      const kept = this.#kept.get(id);
      if (kept === undefined) return;
      await this.#commit([{ type: "delete", space: deadSpace(this.#webhook), key: kept.key }]);
      this.#forget(id);
    });
  }

  /** Resolves when nothing is under way that was begun before. */
  settled(): Promise<void> {
    return this.#serial.run(async () => {});
  }

  /** A page, oldest first; `next` is where the following page begins, null at the end. */
  async page(
    after: string | null,
    limit: number,
  ): Promise<{ readonly items: readonly DeadLetter[]; readonly next: string | null }> {
    const records = await this.#store.records(deadSpace(this.#webhook), after, limit + 1);
    const shown = records.slice(0, limit);
    return {
      items: shown.map(({ value }) => JSON.parse(value) as DeadLetter),
      next: records.length > limit ? (shown.at(-1)?.key ?? null) : null,
    };
  }

  /** What takes all of this out of the store. */
  get removal(): readonly Change[] {
    return [
      { type: "clear", space: deadSpace(this.#webhook) },
      { type: "delete", space: droppedSpace, key: this.#webhook },
    ];
  }

  /** The oldest, so many that another letter fits. */
  #excess(bytes: number): [string, Kept][] {
    const { maxLetters, maxBytes } = this.#bounds;
    const going: [string, Kept][] = [];
    let rest = this.#bytes + bytes;
    for (const each of this.#kept) {
      if (this.#kept.size - going.length < maxLetters && rest <= maxBytes) break;
      going.push(each);
      rest -= each[1].bytes;
    }
    return going;
  }

  #countChange(more: number): readonly Change[] {
    if (more === 0) return [];
    return [{ type: "put", space: droppedSpace, key: this.#webhook, value: String(this.#dropped + more) }];
  }

  #note(id: string, kept: Kept): void {
    this.#kept.set(id, kept);
    this.#bytes += kept.bytes;
  }

  #forget(id: string): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0;
    this.#kept.delete(id);
  }
}
