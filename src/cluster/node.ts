import { Listeners } from "../listeners.ts";
import type { Store } from "../store/store.ts";
import { StoreError } from "../store/store.ts";
import { Heart, type NodeFacts } from "./heart.ts";
import { defaultTimes, type LivenessTimes } from "./liveness.ts";
import { Lookout, type Claim } from "./lookout.ts";
import type { Grounds } from "./grounds.ts";

/** What a node does for as long as it owns. */
export interface Term {
  /** Ends; everything that it holds open is closed then. In a hurry, the other ends are not waited for. */
  close(inHurry: boolean): Promise<void>;
}

/** What the node is at this moment. */
export type Standing =
  | { readonly role: "standby"; readonly owner: string | null }
  /** It has taken over, and brings back what there is. */
  | { readonly role: "claiming"; readonly claim: Claim }
  | { readonly role: "owner"; readonly claim: Claim; readonly since: number }
  /** What it held is not its own any more, and is being closed. */
  | { readonly role: "leaving" }
  | { readonly role: "stopped" };

export interface NodeOptions {
  readonly grounds: Grounds;
  /** Of this process alone. */
  readonly node: string;
  /** For people. */
  readonly name: string;
  readonly version: string;
  readonly startedAt: string;
  /** Begins a term on a store that is not acquired yet, and acquires it. Rejects where that fails. */
  readonly begin: (store: Store, claim: Claim) => Promise<Term>;
  readonly onTrouble: (what: string, error: unknown) => void;
  readonly now: () => number;
  readonly times?: LivenessTimes;
}

const lookEveryMs = 500;
/** After a term that could not begin, before another one. */
const againMs = 1_000;

/** Owns, or stands by until it is to: one node at a time has everything, and which one the chain of records says. */
export class ClusterNode {
  readonly #options: NodeOptions;
  readonly #heart: Heart;
  readonly #lookout: Lookout;
  readonly #watchers = new Listeners();
  readonly #stopping = new AbortController();
  #standing: Standing = { role: "standby", owner: null };
  #over: (() => void) | null = null;
  #takeovers = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: NodeOptions) {
    const { grounds, node, now, times = defaultTimes } = options;
    this.#options = options;
    const facts = (): NodeFacts => ({
      node,
      name: options.name,
      version: options.version,
      startedAt: options.startedAt,
      role: this.#standing.role === "owner" ? "owner" : "standby",
    });
    this.#heart = new Heart(grounds.nodes, facts, times, now, () => this.#over?.());
    this.#lookout = new Lookout({
      ...{ node, times, now, lookEveryMs, sight: grounds.sight },
      isFresh: () => this.#heart.isFresh,
      onOwner: (owner) => {
        if (this.#standing.role === "standby") this.#stand({ role: "standby", owner });
      },
    });
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** How often it has taken over since it was started. */
  get takeovers(): number {
    return this.#takeovers;
  }

  /** Whether it can write where everything is kept. */
  get isFresh(): boolean {
    return this.#heart.isFresh;
  }

  /** Calls `listener` when the standing has changed, until the returned function is called. */
  onStanding(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  /** Joins the others. @throws what the servers say where this node cannot make itself known */
  async begin(): Promise<void> {
    await this.#heart.begin();
    const { grounds, node } = this.#options;
    grounds.answerPings(node);
    grounds.onReleased(() => this.#lookout.nudge());
    this.#ended = this.#run();
  }

  /** Hands over what it has, and leaves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#over?.();
    await this.#ended;
    await this.#heart.end();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const claim = await this.#lookout.wait(signal);
      if (claim !== null) await this.#serve(claim);
      if (!signal.aborted) this.#stand({ role: "standby", owner: null });
    }
    this.#stand({ role: "stopped" });
  }

  /** One term, from its beginning to its end. */
  async #serve(claim: Claim): Promise<void> {
    const { grounds, begin, onTrouble, node, now } = this.#options;
    const over = Promise.withResolvers<void>();
    let isLost = false;
    this.#over = over.resolve;
    this.#stand({ role: "claiming", claim });
    try {
      const onLost = () => {
        isLost = true;
        over.resolve();
      };
      const term = await begin(await grounds.openStore(node, claim.after, onLost), claim);
      this.#takeovers += 1;
      this.#stand({ role: "owner", claim, since: now() });
      await over.promise;
      this.#stand({ role: "leaving" });
      await term.close(isLost || !this.#heart.isFresh);
      grounds.tellReleased();
    } catch (error) {
      // Another one was faster, as it may be.
      if (error instanceof StoreError && error.kind === "fenced") return;
      onTrouble("this node could not take over", error);
      await Promise.race([over.promise, new Promise((resolve) => setTimeout(resolve, againMs))]);
    } finally {
      this.#over = null;
    }
  }

  #stand(standing: Standing): void {
    this.#standing = standing;
    this.#watchers.call();
  }
}
