import type { ConnackApp, RequestContext } from "../app.ts";
import { Listeners } from "../listeners.ts";
import { Problem } from "../problem.ts";
import type { Cells } from "./cells.ts";
import type { NodeFacts } from "./heart.ts";
import { pause } from "./pause.ts";
import { Placement } from "./placement.ts";
import { NoOwner, NotForwardable, OwnerLost, TunnelFull } from "./tunnel-errors.ts";
import type { Tunnel } from "./tunnel.ts";
import type { Streams } from "../stream/streams.ts";
import { withWatchedEnd } from "./watched-body.ts";

type Fetch = ConnackApp["fetch"];

export interface NodeCellsOptions {
  readonly tunnel: Pick<Tunnel, "forward">;
  /** The first word of all subjects. */
  readonly name: string;
  readonly shards: number;
  readonly members: () => readonly NodeFacts[];
  /** Whether what this node has is its own at this moment: one that stood still has to find out first. */
  readonly isFresh: () => boolean;
  /** Calls `listener` when somebody may have got or lost a shard, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
  /** So long a call waits for an owner, in milliseconds: longer than a fail-over takes. */
  readonly ownerWithinMs: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  /** Whether callers of this node need a token. */
  readonly isGuarded: () => boolean;
  /** Finds readers of other nodes' streams that are gone without a word: only this node sees them. */
  readonly streams: Pick<Streams, "add">;
}

/** What goes along with a call from node to node, besides the call. */
export interface Along {
  /** The id that a new connection is to have. */
  readonly newId?: string;
  /** The webhooks that the answer is to be about. */
  readonly onlyWebhooks?: readonly string[];
  readonly isPart?: boolean;
  readonly isGuarded?: boolean;
  /** Where the caller is, for logs. */
  readonly peer?: string;
}

/** `lost`: the owner was, before it had answered; `full`: there were too many calls between two nodes. */
export type CallOutcome = "answered" | "no-owner" | "lost" | "full" | "refused";

const retryAfterSeconds = 2;
/** Between the tries of a call whose owner was lost. */
const firstPauseMs = 10;
const mostPauseMs = 500;

/** The cells of the cluster: those that this node has are called, those of others by the tunnel. */
export class NodeCells implements Cells {
  readonly #options: NodeCellsOptions;
  readonly #own = new Map<number, Fetch>();
  readonly #entered = new Listeners();
  readonly #placement: Placement;
  readonly #stopping = new AbortController();
  readonly #calls = new Map<CallOutcome, number>();

  constructor(options: NodeCellsOptions) {
    this.#options = options;
    this.#placement = new Placement(options.random);
  }

  get shards(): number {
    return this.#options.shards;
  }

  /** Calls that were taken to other nodes, by what came of them; those whose callers left are not counted. */
  get calls(): ReadonlyMap<CallOutcome, number> {
    return this.#calls;
  }

  /** This node has the shard, and answers for it. */
  enter(shard: number, fetch: Fetch): void {
    this.#own.set(shard, fetch);
    this.#entered.call();
  }

  leave(shard: number): void {
    this.#own.delete(shard);
  }

  isLocal(shard: number): boolean {
    return this.#own.has(shard);
  }

  placement(): readonly number[] {
    return this.#placement.order(this.#options.members(), this.shards);
  }

  async call(shard: number, request: Request, context?: RequestContext): Promise<Response> {
    const own = this.#ownOf(shard);
    if (own !== null) return own(request, context);
    return this.#forward(shard, request, context);
  }

  /** Nobody waits any longer. */
  stop(): void {
    this.#stopping.abort();
  }

  async #forward(shard: number, request: Request, context: RequestContext | undefined): Promise<Response> {
    // What it waits for is not this node's, so that it cannot know how long.
    const letTimeOut = once(context?.holdOpen?.());
    try {
      const answer = await this.#answer(shard, request, context, letTimeOut);
      if (isStream(answer)) return this.#watched(answer, context, letTimeOut);
      letTimeOut();
      return answer;
    } catch (error) {
      letTimeOut();
      this.#count(outcomeOf(error));
      throw problemOf(error) ?? error;
    }
  }

  #watched(answer: Response, context: RequestContext | undefined, letTimeOut: () => void): Response {
    const peer = context?.peer?.() ?? null;
    let remove = () => {};
    const onEnd = () => {
      remove();
      letTimeOut();
    };
    return withWatchedEnd(answer, onEnd, (fail) => {
      // Hearts beat at the owner, who also says the last word.
      if (peer !== null) remove = this.#options.streams.add({ tick() {}, close() {}, fail }, peer);
    });
  }

  /** Of whoever has it, or comes to have it in time; a call that only reads is made again where its owner is lost. */
  async #answer(
    shard: number,
    request: Request,
    context: RequestContext | undefined,
    letTimeOut: () => void,
  ): Promise<Response> {
    const { tunnel, ownerWithinMs, now, isGuarded } = this.#options;
    const deadline = now() + ownerWithinMs;
    const canRepeat = request.body === null && (request.method === "GET" || request.method === "HEAD");
    for (let tries = 1; ; tries += 1) {
      const own = await this.#waitForOwner(shard, deadline, request.signal);
      if (own !== null) {
        letTimeOut();
        return own(request, context);
      }
      try {
        const answer = await tunnel.forward(callSubject(this.#options.name, shard), request, {
          caller: JSON.stringify(alongOf(context, isGuarded())),
          ownerWithinMs: Math.max(0, deadline - now()),
          isPart: context?.isPart ?? false,
        });
        this.#count("answered");
        return answer;
      } catch (error) {
        const isOver = now() >= deadline || this.#stopping.signal.aborted;
        if (!(error instanceof OwnerLost) || !canRepeat || isOver) throw error;
        // What is known of who has it may not be true yet.
        await pause(Math.min(mostPauseMs, firstPauseMs * 2 ** (tries - 1)), request.signal);
      }
    }
  }

  #count(outcome: CallOutcome | null): void {
    if (outcome !== null) this.#calls.set(outcome, (this.#calls.get(outcome) ?? 0) + 1);
  }

  #ownOf(shard: number): Fetch | null {
    return this.#options.isFresh() ? (this.#own.get(shard) ?? null) : null;
  }

  /** Resolves when somebody else has it, or with what answers here; rejects when nobody has by then. */
  #waitForOwner(shard: number, deadline: number, signal: AbortSignal): Promise<Fetch | null> {
    const { members, onChange, now } = this.#options;
    const isOwned = () => members().some(({ shards }) => shards.includes(shard));
    const own = () => this.#ownOf(shard);
    if (own() !== null || isOwned()) return Promise.resolve(own());
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#stopping.signal.aborted) return Promise.reject(nobody());
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        for (const unlisten of unlistens) unlisten();
        signal.removeEventListener("abort", onAbort);
        this.#stopping.signal.removeEventListener("abort", onLate);
        settle();
      };
      const look = () => {
        if (own() !== null || isOwned()) end(() => resolve(own()));
      };
      const onLate = () => end(() => reject(nobody()));
      const onAbort = () => end(() => reject(signal.reason as Error));
      const timer = setTimeout(onLate, Math.max(0, deadline - now()));
      const unlistens = [onChange(look), this.#entered.add(look)];
      signal.addEventListener("abort", onAbort, { once: true });
      this.#stopping.signal.addEventListener("abort", onLate, { once: true });
    });
  }
}

/** Where the owner of a shard takes calls. */
export function callSubject(name: string, shard: number): string {
  return `${name}.${shard}.call`;
}

/** What {@link Along} was written from. */
export function contextOf(caller: string | null): RequestContext {
  const { newId, onlyWebhooks, isPart, isGuarded } = caller === null ? {} : (JSON.parse(caller) as Along);
  return {
    ...(newId === undefined ? {} : { newId }),
    ...(onlyWebhooks === undefined ? {} : { onlyWebhooks }),
    ...(isPart === undefined ? {} : { isPart }),
    ...(isGuarded === undefined ? {} : { isGuarded }),
  };
}

/** What goes along of what came with a call to a node whose callers need a token, or none. */
export function alongOf(context: RequestContext | undefined, isGuarded = false): Along {
  const peer = context?.peer?.();
  const { newId, onlyWebhooks, isPart } = context ?? {};
  return {
    ...(newId === undefined ? {} : { newId }),
    ...(onlyWebhooks === undefined ? {} : { onlyWebhooks }),
    ...(isPart === undefined ? {} : { isPart }),
    ...(isGuarded ? { isGuarded } : {}),
    ...(peer ? { peer: `${peer.address}:${peer.port}` } : {}),
  };
}

function isStream({ headers }: Response): boolean {
  return /^(text\/event-stream|application\/x-ndjson)\b/.test(headers.get("content-type") ?? "");
}

function once(call: () => void = () => {}): () => void {
  let next = call;
  return () => {
    const due = next;
    next = () => {};
    due();
  };
}

function outcomeOf(error: unknown): CallOutcome | null {
  if (error instanceof NoOwner) return "no-owner";
  if (error instanceof OwnerLost) return "lost";
  if (error instanceof TunnelFull) return "full";
  return error instanceof NotForwardable ? "refused" : null;
}

function nobody(): NoOwner {
  return new NoOwner("Nobody has come to own this in time");
}

function noOwner(): Problem {
  return new Problem("no-owner", {
    detail: "No node of the cluster has this at present; another one takes over within seconds",
    retryAfterSeconds,
  });
}

function problemOf(error: unknown): Problem | null {
  if (error instanceof NoOwner) return noOwner();
  if (error instanceof TunnelFull)
    return new Problem("limit-reached", { detail: error.message, retryAfterSeconds });
  if (error instanceof NotForwardable) return new Problem("invalid-request", error.message);
  if (!(error instanceof OwnerLost)) return null;
  return new Problem("no-owner", {
    detail: error.message,
    retryAfterSeconds,
    ...(error.mayHaveBeenCarriedOut ? { duplicatePossible: true } : {}),
  });
}
