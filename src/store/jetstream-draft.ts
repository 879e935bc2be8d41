import type { Image } from "./image.ts";
import { onlyFrees, type Commit, type CommitResult } from "./commit.ts";
import type { Change, Position } from "./store.ts";

/** Appends that one record can have: positions are counted within the record's place. */
export const mostAppends = 4_096;

/** A group of commits, looked at before it is written. */
export interface Draft {
  /** Those that will be kept, in their order. */
  readonly accepted: readonly (readonly Change[])[];
  /** What became of each commit of the group when the accepted ones are kept at this place. */
  readonly results: (sequence: number) => readonly CommitResult[];
  /** What becomes of each when they are not. */
  readonly refused: (why: CommitResult & { readonly ok: false }) => readonly CommitResult[];
}

type Refusal = CommitResult & { readonly ok: false };

/** Decides which commits of a group hold, with the image as it is, and each on top of those before it. */
export function draft(image: Image, group: readonly Commit[], token: string, isFull: boolean): Draft {
  const above = new Overlay(image);
  const fates: ({ readonly first: number; readonly count: number } | Refusal)[] = [];
  const accepted: (readonly Change[])[] = [];
  let appends = 0;
  for (const commit of group) {
    const { changes } = commit;
    const count = changes.filter(({ type }) => type === "append").length;
    const refusal = refusalOf(above, commit, {
      isOwn: commit.token === token,
      isFull,
      fits: appends + count <= mostAppends,
    });
    if (refusal !== null) {
      fates.push(refusal);
      continue;
    }
    for (const change of changes) above.apply(change);
    fates.push({ first: appends, count });
    accepted.push(changes);
    appends += count;
  }
  return {
    accepted,
    results: (sequence) =>
      fates.map((fate) =>
        "ok" in fate ? fate : { ok: true, positions: positions(sequence, fate.first, fate.count) },
      ),
    refused: (why) => fates.map((fate) => ("ok" in fate ? fate : why)),
  };
}

/** Where the appends of a record are that is at this place in the stream. */
export function positions(sequence: number, first: number, count: number): readonly Position[] {
  return Array.from({ length: count }, (_, index) => sequence * mostAppends + first + index);
}

/** Applies what a record says, the commits one behind the other. */
export function applyRecord(image: Image, sequence: number, commits: readonly (readonly Change[])[]): void {
  let position = sequence * mostAppends;
  for (const change of commits.flat()) {
    image.apply(change, position);
    if (change.type === "append") position += 1;
  }
}

function refusalOf(
  above: Overlay,
  commit: Commit,
  { isOwn, isFull, fits }: { readonly isOwn: boolean; readonly isFull: boolean; readonly fits: boolean },
): Refusal | null {
  if (!isOwn) return { ok: false, kind: "fenced", message: "Another owner has the store" };
  if (isFull && !onlyFrees(commit)) return { ok: false, kind: "full", message: "The store has no room" };
  if (!fits) return { ok: false, kind: "unavailable", message: "More comes at once than the store takes" };
  const own = new Overlay(above);
  for (const change of commit.changes) {
    if (change.type === "put" && change.expect === "absent" && own.has(change.space, change.key))
      return {
        ok: false,
        kind: "conflict",
        message: `There is a record ${change.space}/${change.key} already`,
      };
    own.apply(change);
  }
  return null;
}

/** Which keys there would be, if what is not kept yet were. */
class Overlay {
  readonly #below: Pick<Image, "has">;
  readonly #keys = new Map<string, Map<string, boolean>>();
  readonly #cleared = new Set<string>();

  constructor(below: Pick<Image, "has">) {
    this.#below = below;
  }

  has(space: string, key: string): boolean {
    const known = this.#keys.get(space)?.get(key);
    return known ?? (!this.#cleared.has(space) && this.#below.has(space, key));
  }

  apply(change: Change): void {
    if (change.type === "put") this.#set(change.space, change.key, true);
    else if (change.type === "delete") this.#set(change.space, change.key, false);
    else if (change.type === "clear") {
      this.#cleared.add(change.space);
      this.#keys.delete(change.space);
    }
  }

  #set(space: string, key: string, isThere: boolean): void {
    const keys = this.#keys.get(space) ?? new Map<string, boolean>();
    this.#keys.set(space, keys);
    keys.set(key, isThere);
  }
}
