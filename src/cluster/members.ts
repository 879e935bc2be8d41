import type { KV } from "@nats-io/kv";
import { Listeners } from "../listeners.ts";
import type { NodeFacts } from "./heart.ts";
import { afterOwnGap, judgeOwner, seen, type LivenessTimes, type Sighting } from "./liveness.ts";
import { patiently } from "./patience.ts";

interface Member {
  /** Null where it has not said anything yet, or any more. */
  readonly facts: NodeFacts | null;
  readonly revision: number;
  readonly sighting: Sighting;
  /** Whether it was found to be dead: it stays so until its heart beats again. */
  readonly isDead: boolean;
}

export interface MembersOptions {
  readonly nodes: Pick<KV, "watch" | "keys" | "get">;
  /** This one. */
  readonly node: string;
  readonly times: LivenessTimes;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** When this node itself has written last: who cannot judges nobody, for the others may not be able to either. */
  readonly renewedAt: () => number;
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
    return [...this.#members.values()].flatMap(({ facts, isDead }) =>
      facts === null || isDead ? [] : [facts],
    );
  }

  /** Whether it is taken for dead. Of one that was never heard of, that is known after a while. */
  isDead(node: string): boolean {
    const member = this.#members.get(node);
    if (member !== undefined) return member.isDead;
    this.#members.set(node, {
      ...{ facts: null, revision: 0, isDead: false },
      sighting: seen(this.#options.now()),
    });
    return false;
  }

  /** Asks after those that are silent. It does so by itself, again and again. */
  async look(): Promise<void> {
    const { now, times, renewedAt, node: own } = this.#options;
    const at = now();
    const since = at - this.#lookedAt;
    const hadGap = Math.max(since, at - renewedAt()) > times.suspectMs;
    this.#lookedAt = at;
    const asked: Promise<void>[] = [];
    for (const [node, member] of this.#members) {
      if (node === own) continue;
      if (at - member.sighting.beatAt > forgetMs + times.claimMs) this.#members.delete(node);
      else if (member.isDead) continue;
      else if (hadGap)
        this.#members.set(node, { ...member, sighting: afterOwnGap(member.sighting, at, since) });
      else if (judgeOwner(member.sighting, at, times) !== "alive") asked.push(this.#ask(node));
    }
    await Promise.all(asked);
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
    this.#members.set(node, { facts, revision, sighting: seen(this.#options.now()), isDead: false });
    if (known?.isDead === true || JSON.stringify(known?.facts) !== text) this.#watchers.call();
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
      void this.look().finally(() => this.#schedule());
    }, lookEveryMs);
  }

  /** The only place where one is found to be dead: with what is known of it at this moment. */
  async #ask(node: string): Promise<void> {
    try {
      // What is watched may lag behind what there is.
      await this.#read(node);
      const member = this.#members.get(node);
      const { now, times, isNobodyThere } = this.#options;
      if (member === undefined || judgeOwner(member.sighting, now(), times) === "alive") return;
      const isGone = await isNobodyThere(node);
      if (this.#members.get(node) !== member) return;
      const unreachableSince = isGone ? (member.sighting.unreachableSince ?? now()) : null;
      const sighting = { ...member.sighting, unreachableSince };
      const isDead = judgeOwner(sighting, now(), times) === "dead";
      this.#members.set(node, { ...member, sighting, isDead });
      if (isDead) this.#watchers.call();
    } catch {
      // Nothing can be said of it at present.
    }
  }
}
