import type { PlacedRecord } from "../store/jetstream-chain.ts";
import { afterOwnGap, judgeOwner, type LivenessTimes, type Sighting } from "./liveness.ts";

/** Why a node takes what another one had, or nobody. */
export type ClaimCause = "start" | "handover" | "node-lost" | "lapsed";

export interface Claim {
  /** The record that the claim is to follow: when anything has been written since, it fails. */
  readonly after: number;
  readonly cause: ClaimCause;
  /** Who had it; null at the very first start. */
  readonly from: string | null;
}

/** How others are looked at. */
export interface Sight {
  /** The newest record of the chain, whose writer is the owner. */
  readonly readLast: () => Promise<PlacedRecord | null>;
  /** What changes with each beat of a node's heart; null when there is nothing of it. */
  readonly readBeat: (node: string) => Promise<number | null>;
  /** Whether asking it directly shows that nobody is there: false where it answers, or this is not known. */
  readonly isNobodyThere: (node: string) => Promise<boolean>;
}

export interface LookoutOptions {
  readonly node: string;
  readonly sight: Sight;
  readonly times: LivenessTimes;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Whether this node itself can write: who cannot judges nobody. */
  readonly isFresh: () => boolean;
  readonly lookEveryMs: number;
  /** Whoever owns it, when that is known anew. */
  readonly onOwner: (node: string | null) => void;
}

/** Waits for the moment at which this node is to take over. */
export class Lookout {
  readonly #options: LookoutOptions;
  #wake: (() => void) | null = null;
  #owner: string | null = null;
  #beat: number | null = null;
  #sighting: Sighting = { beatAt: 0, unreachableSince: null };
  #lookedAt = 0;

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** Looks at once: somebody has said that there is something to see. */
  nudge(): void {
    this.#wake?.();
  }

  /** Resolves with what to claim, or null when the signal aborts. */
  async wait(signal: AbortSignal): Promise<Claim | null> {
    this.#lookedAt = 0;
    const onAbort = () => this.nudge();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        // What cannot be seen cannot be judged; the next look knows of the gap.
        const claim = await this.#look().catch(() => null);
        if (claim !== null && !signal.aborted) return claim;
        if (!signal.aborted) await this.#pause();
      }
      return null;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #look(): Promise<Claim | null> {
    const { node, sight, times, now, isFresh } = this.#options;
    const last = await sight.readLast();
    if (!isFresh()) return null;
    const owner = last === null || last.kind === "release" ? null : last.node;
    if (last === null) return { after: 0, cause: "start", from: null };
    if (owner === null) return { after: last.sequence, cause: "handover", from: last.node };
    if (owner === node) return { after: last.sequence, cause: "lapsed", from: node };
    const beat = await sight.readBeat(owner);
    const at = now();
    this.#see(owner, beat, at);
    if (judgeOwner(this.#sighting, at, times) === "suspect") {
      const isGone = await sight.isNobodyThere(owner);
      const unreachableSince = isGone ? (this.#sighting.unreachableSince ?? at) : null;
      this.#sighting = { ...this.#sighting, unreachableSince };
    }
    const isDead = judgeOwner(this.#sighting, now(), times) === "dead";
    return isDead ? { after: last.sequence, cause: "node-lost", from: owner } : null;
  }

  #see(owner: string, beat: number | null, at: number): void {
    const { lookEveryMs, times, onOwner } = this.#options;
    if (owner !== this.#owner) onOwner(owner);
    const isNew = owner !== this.#owner || (beat !== null && beat !== this.#beat);
    const hadGap = at - this.#lookedAt > lookEveryMs + times.suspectMs;
    if (isNew) this.#sighting = { beatAt: at, unreachableSince: null };
    else if (hadGap) this.#sighting = afterOwnGap(this.#sighting, at);
    this.#owner = owner;
    this.#beat = beat;
    this.#lookedAt = at;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, this.#options.lookEveryMs);
      this.#wake = end;
    });
  }
}
