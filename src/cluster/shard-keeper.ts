import type { PlacedRecord } from "../store/jetstream-chain.ts";
import { StoreError, type Store } from "../store/store.ts";
import type { Claim, ShardStanding, Term } from "./term.ts";

export interface ShardKeeperOptions {
  readonly shard: number;
  readonly node: string;
  /** The newest record of the shard's chain, whose writer is the owner. */
  readonly readLast: () => Promise<PlacedRecord | null>;
  readonly openStore: (claimAfter: number, onLost: () => void) => Promise<Store>;
  /** Begins a term on a store that is not acquired yet, and acquires it. */
  readonly begin: (shard: number, store: Store, claim: Claim) => Promise<Term>;
  /** What this node is to do about the shard, as things stand. */
  readonly turn: () => Turn;
  readonly isDead: (node: string) => boolean;
  readonly isFresh: () => boolean;
  /** Runs a hand-over or a take-over when it is its turn, not all at once; or when the signal aborts. */
  readonly inTurn: <T>(
    what: "hand-over" | "take-over",
    job: () => Promise<T>,
    atOnce?: AbortSignal,
  ) => Promise<T>;
  readonly onStanding: () => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  readonly tellReleased: () => void;
  readonly now: () => number;
}

/** `take` it when nobody alive has it; `give` it to another node, whose turn it is; `wait` where it is nobody's. */
export type Turn = "take" | "give" | "wait";

type End = "hand-over" | "lapsed" | "lost";

const lookEveryMs = 500;
/** Each take-over that fails in a row is followed by a longer pause, up to this: it writes, and reads all that there is. */
const mostPauseMs = 15_000;

/** One shard, as one node sees it: stands by, takes it over when it is to, and lets go of it when that is over. */
export class ShardKeeper {
  readonly #options: ShardKeeperOptions;
  #standing: ShardStanding = { role: "standby" };
  #wake: (() => void) | null = null;
  #endTerm: ((why: End) => void) | null = null;
  /** Take-overs that have failed since one succeeded. */
  #failures = 0;

  constructor(options: ShardKeeperOptions) {
    this.#options = options;
  }

  get standing(): ShardStanding {
    return this.#standing;
  }

  /** Something has changed that may concern it. */
  nudge(): void {
    const { role } = this.#standing;
    // With nobody to give it to, it stays where it is.
    if (this.#options.turn() === "give" && role === "owner") this.#endTerm?.("hand-over");
    this.#wake?.();
  }

  /** Looks whether what it holds is still its own: somebody else may have taken it, and nothing was written since. */
  async check(): Promise<void> {
    const end = this.#endTerm;
    const standing = this.#standing;
    if (standing.role !== "owner" || end === null) return;
    // What cannot be seen cannot be judged; nor can what a server says that was leader before this node took over.
    const last = await this.#options.readLast().catch(() => null);
    if (last === null || last.sequence <= standing.claim.after) return;
    if (last.node !== this.#options.node) end("lost");
  }

  /** What it holds is not this node's own any more. */
  lapse(): void {
    this.#endTerm?.("lapsed");
  }

  /** Until the signal aborts; a term that is under way is handed over then. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#endTerm?.("hand-over");
      this.#wake?.();
    };
    signal.addEventListener("abort", onAbort);
    while (!signal.aborted) {
      // What cannot be seen cannot be judged.
      const claim = await this.#look().catch(() => null);
      if (claim !== null && !signal.aborted) await this.#serve(claim, signal);
      else if (!signal.aborted) await this.#pause();
    }
    signal.removeEventListener("abort", onAbort);
  }

  async #look(): Promise<Claim | null> {
    const { turn, isFresh, isDead, readLast, node } = this.#options;
    if (turn() !== "take" || !isFresh()) return null;
    const last = await readLast();
    if (last === null) return { after: 0, cause: "start", from: null };
    const { sequence: after, node: from } = last;
    if (last.kind === "release") return { after, cause: "handover", from };
    if (from === node) return { after, cause: "lapsed", from };
    return isDead(from) ? { after, cause: "node-lost", from } : null;
  }

  /** One term, from its beginning to its end. */
  async #serve(claim: Claim, signal: AbortSignal): Promise<void> {
    const { shard, openStore, begin, inTurn, onTrouble, isFresh, now, turn } = this.#options;
    const over = Promise.withResolvers<void>();
    /** Aborts when it is not this node's any more: from then on it gives nothing to anybody, and waits for no turn. */
    const gone = new AbortController();
    const endTerm = (why: End) => {
      if (why !== "hand-over") gone.abort();
      over.resolve();
    };
    this.#endTerm = endTerm;
    this.#stand({ role: "claiming", claim });
    try {
      const term = await inTurn("take-over", async () => {
        // Things may stand otherwise by now.
        if (signal.aborted || gone.signal.aborted || turn() !== "take") return null;
        const store = await openStore(claim.after, () => endTerm("lost"));
        return begin(shard, store, claim);
      });
      if (term === null) return;
      this.#failures = 0;
      this.#stand({ role: "owner", claim, since: now(), term });
      // It may have become another node's meanwhile.
      this.nudge();
      await over.promise;
      const end = async () => {
        this.#stand({ role: "leaving" });
        await term.close(gone.signal.aborted || !isFresh());
      };
      await inTurn("hand-over", end, AbortSignal.any([signal, gone.signal]));
      this.#options.tellReleased();
    } catch (error) {
      // Another one was faster, as it may be.
      if (error instanceof StoreError && error.kind === "fenced") return;
      onTrouble(`shard ${shard} could not be taken over`, error);
      await this.#pause(Math.min(mostPauseMs, lookEveryMs * 2 ** this.#failures));
      this.#failures += 1;
    } finally {
      this.#endTerm = null;
      this.#stand({ role: "standby" });
    }
  }

  #stand(standing: ShardStanding): void {
    this.#standing = standing;
    this.#options.onStanding();
  }

  #pause(ms = lookEveryMs): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = end;
    });
  }
}
