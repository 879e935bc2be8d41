import type { KV } from "@nats-io/kv";
import { Listeners } from "../listeners.ts";
import type { NodeFacts } from "./heart.ts";
import { afterOwnGap, judgeOwner, type LivenessTimes, type Sighting } from "./liveness.ts";
import { patiently } from "./patience.ts";

interface Member {
  /** Null where it has not said anything yet, or any more. */
  readonly facts: NodeFacts | null;
  readonly revision: number;
  readonly sighting: Sighting;
}

export interface MembersOptions {
  readonly nodes: KV;
  /** This one. */
  readonly node: string;
  readonly times: LivenessTimes;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Whether this node itself can write: who cannot judges nobody. */
  readonly isFresh: () => boolean;
  /** Whether asking it directly shows that nobody is there: false where it answers, or this is not known. */
  readonly isNobodyThere: (node: string) => Promise<boolean>;
}

/** Between two looks at those that are silent. */
const lookEveryMs = 250;
/** A node that said good-bye, or died, is forgotten after so long. */
const forgetMs = 60_000;

/** All nodes, as this one sees them: by the beats of their hearts, on its own clock. */
export class Members implements Disposable {
  readonly #options: MembersOptions;
  readonly #watchers = new Listeners();
  readonly #members = new Map<string, Member>();
  #stopWatching: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt: number;
  #lastLive = "";
  #stopped = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#lookedAt = options.now();
  }

  /** Begins to look; resolves when all that is known of others has been read. */
  async begin(): Promise<void> {
    const { nodes, now } = this.#options;
    const watch = await patiently(() => nodes.watch(), now);
    this.#stopWatching = () => watch.stop();
    void this.#follow(watch);
    await patiently(() => this.#readAll(), now);
    this.#schedule();
  }

  /** Calls `listener` when somebody came, went, or says something else, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  /** Those that are taken for alive, and what they say. */
  live(): readonly NodeFacts[] {
    const now = this.#options.now();
    return [...this.#members.values()].flatMap(({ facts, sighting }) =>
      facts === null || judgeOwner(sighting, now, this.#options.times) === "dead" ? [] : [facts],
    );
  }

  /** Whether it is taken for dead. Of one that was never heard of, that is known after a while. */
  isDead(node: string): boolean {
    const now = this.#options.now();
    const member = this.#members.get(node);
    if (member !== undefined) return judgeOwner(member.sighting, now, this.#options.times) === "dead";
    this.#members.set(node, { facts: null, revision: 0, sighting: { beatAt: now, unreachableSince: null } });
    return false;
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#stopWatching();
    clearTimeout(this.#timer);
  }

  async #follow(
    watch: AsyncIterable<{
      readonly key: string;
      readonly revision: number;
      string(): string;
      readonly operation: string;
    }>,
  ): Promise<void> {
    for await (const entry of watch) {
      if (entry.operation === "PUT") this.#beat(entry.key, entry.revision, entry.string());
      else this.#gone(entry.key);
    }
  }

  async #readAll(): Promise<void> {
    for await (const key of await this.#options.nodes.keys()) await this.#read(key);
  }

  async #read(node: string): Promise<void> {
    const entry = await this.#options.nodes.get(node);
    if (entry === null || entry.operation !== "PUT") return this.#gone(node);
    this.#beat(node, entry.revision, entry.string());
  }

  #beat(node: string, revision: number, text: string): void {
    const known = this.#members.get(node);
    if (known !== undefined && revision <= known.revision) return;
    const facts = JSON.parse(text) as NodeFacts;
    const sighting = { beatAt: this.#options.now(), unreachableSince: null };
    this.#members.set(node, { facts, revision, sighting });
    if (known?.facts === null || JSON.stringify(known?.facts) !== text) this.#watchers.call();
  }

  /** It has said good-bye: what it held it has let go of. */
  #gone(node: string): void {
    const known = this.#members.get(node);
    if (known === undefined || known.facts === null) return;
    this.#members.set(node, { ...known, facts: null });
    this.#watchers.call();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => this.#schedule());
    }, lookEveryMs);
  }

  /** Asks after those that are silent. */
  async #look(): Promise<void> {
    const { now, times, isFresh, node: own } = this.#options;
    const at = now();
    const hadGap = at - this.#lookedAt > times.suspectMs || !isFresh();
    this.#lookedAt = at;
    for (const [node, member] of this.#members) {
      if (node === own) continue;
      if (hadGap) this.#members.set(node, { ...member, sighting: afterOwnGap(member.sighting, at) });
      else if (judgeOwner(member.sighting, at, times) !== "alive") await this.#ask(node);
      if (at - member.sighting.beatAt > forgetMs + times.claimMs) this.#members.delete(node);
    }
    // Nobody says that it is dead: that comes of time.
    const live = this.live()
      .map((each) => each.node)
      .join();
    if (live !== this.#lastLive) this.#watchers.call();
    this.#lastLive = live;
  }

  async #ask(node: string): Promise<void> {
    try {
      // What is watched may lag behind what there is.
      await this.#read(node);
      const member = this.#members.get(node);
      const { now, times, isNobodyThere } = this.#options;
      if (member === undefined || judgeOwner(member.sighting, now(), times) !== "suspect") return;
      const isGone = await isNobodyThere(node);
      const unreachableSince = isGone ? (member.sighting.unreachableSince ?? now()) : null;
      if (this.#members.get(node) === member)
        this.#members.set(node, { ...member, sighting: { ...member.sighting, unreachableSince } });
    } catch {
      // Nothing can be said of it at present.
    }
  }
}
