import { Listeners } from "../listeners.ts";
import type { Store } from "../store/store.ts";
import { assign } from "./assignment.ts";
import type { Grounds } from "./grounds.ts";
import { Heart, type NodeFacts } from "./heart.ts";
import { defaultTimes, type LivenessTimes } from "./liveness.ts";
import { Members } from "./members.ts";
import { ShardKeeper, type Turn } from "./shard-keeper.ts";
import type { Claim, ClaimCause, ShardStanding, Term } from "./term.ts";
import { Turns } from "./turns.ts";

export interface NodeOptions {
  readonly grounds: Grounds;
  /** Of this process alone. */
  readonly node: string;
  /** For people, and what stays when the process is started again. */
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Begins a term on a store that is not acquired yet, and acquires it. Rejects where that fails. */
  readonly begin: (shard: number, store: Store, claim: Claim) => Promise<Term>;
  /** Connections that this node holds, for the others to know. */
  readonly load: () => number;
  /** The ids of its keys, for the others to know. */
  readonly keys?: readonly string[];
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly times?: LivenessTimes;
  readonly pace?: Pace;
}

/** How fast shards change hands where nothing forces them to. */
export interface Pace {
  /** Where nobody has anything, a node waits so long for others that begin at about the same time. */
  readonly gatherMs: number;
  /** A node that has come to others is given shards when it has been there for so long. */
  readonly settleMs: number;
  /** Between two shards that a node gives to others. */
  readonly handOverEveryMs: number;
}

const defaultPace: Pace = { gatherMs: 1_000, settleMs: 3_000, handOverEveryMs: 500 };
const takeOversAtOnce = 4;

/** One node among others: it takes its share of the shards, and what those leave behind that have gone. */
export class ClusterNode {
  readonly #options: NodeOptions;
  readonly #pace: Pace;
  readonly #heart: Heart;
  readonly #members: Members;
  readonly #keepers: readonly ShardKeeper[];
  readonly #watchers = new Listeners();
  readonly #stopping = new AbortController();
  #assigned: ReadonlyMap<number, string> = new Map();
  readonly #moves = new Map<ClaimCause, number>();
  /** Until the process is started again, which is how it gets other keys. */
  readonly #declined = new Set<number>();
  #isSettled = false;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: NodeOptions) {
    const { grounds, node, now, times = defaultTimes, pace = defaultPace } = options;
    this.#options = options;
    this.#pace = pace;
    this.#heart = new Heart(
      grounds.nodes,
      () => this.#facts(),
      times,
      now,
      () => this.#lapse(),
    );
    const isFresh = () => this.#heart.isFresh;
    const renewedAt = () => this.#heart.renewedAt;
    this.#members = new Members({
      ...{ nodes: grounds.nodes, node, times, now, renewedAt, isNobodyThere: grounds.isNobodyThere },
    });
    const turns = {
      "take-over": new Turns(takeOversAtOnce, 0, now),
      "hand-over": new Turns(1, pace.handOverEveryMs, now),
    };
    this.#keepers = Array.from(
      { length: grounds.shards },
      (_, shard) =>
        new ShardKeeper({
          ...{ shard, node, isFresh, now, begin: options.begin, onTrouble: options.onTrouble },
          readLast: () => grounds.readLast(shard),
          openStore: (after, onLost) => grounds.openStore(node, shard, after, onLost),
          turn: () => this.#turn(shard),
          isDead: (other) => this.#members.isDead(other),
          inTurn: (what, job, atOnce) => turns[what].run(job, atOnce),
          onStanding: () => this.#stood(shard),
          tellReleased: () => grounds.tellReleased(shard),
        }),
    );
  }

  /** Of this process alone. */
  get id(): string {
    return this.#options.node;
  }

  /** What this node is to each shard, by its number. */
  standing(shard: number): ShardStanding {
    return this.#keepers[shard]?.standing ?? { role: "standby" };
  }

  /** It could not open a shard, which another node may be able to. */
  decline(shard: number): void {
    this.#declined.add(shard);
    this.#heart.hurry();
  }

  /** The nodes that are taken for alive, this one among them. */
  members(): readonly NodeFacts[] {
    return this.#members.live();
  }

  /** Who is known to own a shard, by what nodes say of themselves; null where nobody does at present. */
  ownerOf(shard: number): string | null {
    if (this.standing(shard).role === "owner") return this.#options.node;
    return this.#members.live().find(({ shards }) => shards.includes(shard))?.node ?? null;
  }

  /** How many shards it has got since it was started, by why. */
  get moves(): ReadonlyMap<ClaimCause, number> {
    return this.#moves;
  }

  /** Since when it has not been able to write where everything is kept, in milliseconds. */
  get lagMs(): number {
    return Math.max(0, this.#options.now() - this.#heart.renewedAt);
  }

  /** Whether it can write where everything is kept. */
  get isFresh(): boolean {
    return this.#heart.isFresh;
  }

  /** Calls `listener` when this node's standing to a shard, or who there is, has changed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  /** Joins the others. @throws what the servers say where this node cannot make itself known */
  async begin(): Promise<void> {
    const { grounds, node } = this.#options;
    grounds.answerPings(node);
    // Of what was just made, the servers have yet to elect who leads it.
    await this.#heart.begin();
    await this.#members.begin();
    grounds.onReleased((shard) => this.#keepers[shard]?.nudge());
    grounds.onReconnect(() => this.#checkAll(() => true));
    this.#members.onChange(() => {
      this.#checkAll((shard) => this.#isClaimedByOther(shard));
      this.#reassign();
    });
    this.#settle(this.#pace.gatherMs, () => this.#membersWithShards > 0);
    this.#reassign();
    this.#ended = Promise.all(this.#keepers.map((keeper) => keeper.run(this.#stopping.signal)));
  }

  /** Hands over what it has, and leaves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#settling);
    this.#heart.hurry();
    await this.#ended;
    this.#members[Symbol.dispose]();
    await this.#heart.end();
  }

  get #membersWithShards(): number {
    return this.#members.live().filter(({ shards }) => shards.length > 0).length;
  }

  /** Is counted in after a while; after a longer one when others hold what it would be given. */
  #settle(ms: number, isLonger: () => boolean): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      if (isLonger()) return this.#settle(this.#pace.settleMs - ms, () => false);
      this.#isSettled = true;
      this.#heart.hurry();
    }, ms);
  }

  #facts(): NodeFacts {
    const { node, name, version, startedAt, load, keys = [] } = this.#options;
    const shards = this.#keepers.flatMap(({ standing }, shard) => (standing.role === "owner" ? [shard] : []));
    const isSettled = this.#isSettled && !this.#stopping.signal.aborted;
    const declined = this.#declined.size === 0 ? {} : { declined: [...this.#declined] };
    return {
      ...{ node, name, version, startedAt, shards, isSettled },
      ...declined,
      connections: load(),
      keys,
    };
  }

  #turn(shard: number): Turn {
    const assigned = this.#assigned.get(shard);
    if (assigned === undefined) return "wait";
    return assigned === this.#options.node ? "take" : "give";
  }

  /** Who is to have what: all that look at the same nodes come to the same result. */
  #reassign(): void {
    const before = this.#assigned;
    this.#assigned = assign(
      this.#members.live().filter(({ isSettled }) => isSettled),
      this.#keepers.length,
    );
    for (const [shard, keeper] of this.#keepers.entries())
      if (before.get(shard) !== this.#assigned.get(shard)) keeper.nudge();
    this.#watchers.call();
  }

  #stood(shard: number): void {
    const standing = this.standing(shard);
    if (standing.role === "owner")
      this.#moves.set(standing.claim.cause, (this.#moves.get(standing.claim.cause) ?? 0) + 1);
    // The others are to know where calls go.
    this.#heart.hurry();
    this.#watchers.call();
  }

  /** Others may take a node for dead that is not, and it hears of that only when it writes. */
  #checkAll(isDoubtful: (shard: number) => boolean): void {
    for (const [shard, keeper] of this.#keepers.entries())
      if (keeper.standing.role === "owner" && isDoubtful(shard)) void keeper.check();
  }

  #isClaimedByOther(shard: number): boolean {
    const { node } = this.#options;
    return this.#members.live().some((other) => other.node !== node && other.shards.includes(shard));
  }

  #lapse(): void {
    // It is not to be given anything back before it can be told for certain that it is there again.
    this.#isSettled = false;
    if (!this.#stopping.signal.aborted) this.#settle(this.#pace.settleMs, () => false);
    for (const keeper of this.#keepers) keeper.lapse();
  }
}
