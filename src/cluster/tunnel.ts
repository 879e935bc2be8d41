import type { NatsConnection } from "@nats-io/transport-node";
import { NoOwner, NotForwardable } from "./tunnel-errors.ts";
import { CallExchange } from "./tunnel-exchange.ts";
import { encodeHead } from "./tunnel-frame.ts";
import { leastWindow, pieceCost } from "./tunnel-flow.ts";
import { asHead, endToEnd, type Head } from "./tunnel-head.ts";
import { defaultTunnelLimits, pieceBytes, type TunnelLimits } from "./tunnel-limits.ts";
import { MadeCall, type Opening } from "./tunnel-made.ts";
import type { Handler } from "./tunnel-served.ts";
import { TunnelServing } from "./tunnel-serving.ts";
import { Source } from "./tunnel-source.ts";

export interface ForwardOptions {
  /** Who called, in words that the owner's handler is given. */
  readonly caller?: string;
  /** So long is looked for an owner, in milliseconds, where there is none: a moment unless told. */
  readonly ownerWithinMs?: number;
  /** So long is waited for the head of the answer, in milliseconds; for ever unless told. */
  readonly withinMs?: number;
  /** One of many that are one call of somebody's. */
  readonly isPart?: boolean;
  /** Ends the call whenever it aborts; the request's own signal does until the answer begins. */
  readonly signal?: AbortSignal;
}

const nothing = new Uint8Array(0);
/** What a server of NATS takes unless it is told otherwise. */
const usualMaxPayload = 1_048_576;

/** Carries whole HTTP calls between this node and the others over one connection to NATS; see `tunnel-frame.ts`. */
export class Tunnel implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #exchange: CallExchange;
  readonly #servings = new Set<TunnelServing>();
  #closed = false;

  /** @throws {RangeError} when the server takes too small messages */
  constructor(connection: NatsConnection, limits: Partial<TunnelLimits> = {}) {
    const all = { ...defaultTunnelLimits, ...limits };
    this.#connection = connection;
    const piece = pieceBytes(all, connection.info?.max_payload ?? usualMaxPayload);
    this.#exchange = new CallExchange(connection, all, piece);
  }

  /** For metrics: calls that came here and go elsewhere, calls that are served here, bytes taken for bodies, odd messages. */
  get figures(): Readonly<Record<"made" | "served" | "bufferedBytes" | "malformed", number>> {
    const { made, served, room, malformed } = this.#exchange;
    return { made, served, bufferedBytes: room.used, malformed };
  }

  /** Serves the calls that others forward to `subject`, from now on; while `mayServe` says no, their callers look on. */
  serve(subject: string, handler: Handler, mayServe: () => boolean = () => true): TunnelServing {
    const serving = new TunnelServing(this.#connection, this.#exchange, subject, handler, mayServe);
    this.#servings.add(serving);
    void serving.stopped.then(() => this.#servings.delete(serving));
    return serving;
  }

  /**
   * The answer of the node that serves `subject`, when its head is there; its body comes as it is read. Once that has begun,
   * a lost owner ends a stream of events, and breaks off everything else. A body that was given is used, whatever comes of it:
   * who wants to wait for the next owner says `ownerWithinMs`.
   *
   * @throws {NoOwner | TunnelFull | NotForwardable} when it was not carried out
   * @throws {OwnerLost} when it may have been
   */
  async forward(subject: string, request: Request, options: ForwardOptions = {}): Promise<Response> {
    request.signal.throwIfAborted();
    options.signal?.throwIfAborted();
    if (this.#closed) throw new NoOwner("This node is stopping");
    const startedAt = this.#exchange.limits.now();
    const window = this.#exchange.reserve(options.isPart ?? false);
    let call: MadeCall | null = null;
    try {
      const opening = await this.#prepare(subject, request, options);
      call = await this.#make(opening, window, startedAt, request.signal, options);
    } finally {
      if (call === null) this.#exchange.unreserve(window);
    }
    call.open();
    return call.answer;
  }

  /** The ownership code knows that whoever served `subject` does not any more. */
  ownerGone(subject: string): void {
    this.#exchange.failWhere("gone", (call) => call instanceof MadeCall && call.subject === subject);
  }

  /** Ends all calls, in both directions. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#servings].map((serving) => serving[Symbol.asyncDispose]()));
    this.#exchange[Symbol.dispose]();
    if (this.#exchange.link.state === "up") await this.#connection.flush().catch(() => {});
  }

  async #prepare(subject: string, request: Request, options: ForwardOptions): Promise<Opening> {
    const { method, url, body } = request;
    const { caller, withinMs } = options;
    const fields: Omit<Head, "body"> = {
      ...{ method, url, headers: endToEnd(request.headers) },
      ...(caller === undefined ? {} : { caller }),
      ...(withinMs === undefined ? {} : { withinMs: Math.ceil(withinMs) }),
    };
    if (encodeHead({ ...fields, body: "whole" }).length + 32 > this.#exchange.limits.mostHeadBytes)
      throw new NotForwardable(
        "The head of the request is too long to be passed on to the node that owns this",
      );
    // The owner would take it for no message of a node, and say nothing.
    if (asHead({ ...fields, body: "none" }) === null)
      throw new NotForwardable("The head of the request has characters that HTTP does not allow there");
    if (body === null) return { subject, head: { ...fields, body: "none" }, first: nothing, source: null };
    const source = new Source(body);
    const { first, isWhole } = await source.begin(this.#exchange.pieceBytes, leastWindow - pieceCost);
    if (isWhole) return { subject, head: { ...fields, body: "whole" }, first, source: null };
    return { subject, head: { ...fields, body: "more" }, first, source };
  }

  async #make(
    opening: Opening,
    window: number,
    startedAt: number,
    requestSignal: AbortSignal,
    { signal, withinMs = Infinity, ownerWithinMs = 0 }: ForwardOptions,
  ): Promise<MadeCall> {
    const { limits, link } = this.#exchange;
    const { silentMs, now, random } = limits;
    const until = signal === undefined ? requestSignal : AbortSignal.any([signal, requestSignal]);
    const isUp =
      link.state === "up" ||
      (await link.whenUp(Math.min(Math.max(silentMs, ownerWithinMs), withinMs), until));
    if (until.aborted || !isUp || this.#closed) {
      opening.source?.cancel(until.reason);
      until.throwIfAborted();
      throw new NoOwner("This node has lost its connection to NATS");
    }
    const left = Math.max(1, Math.ceil(withinMs - (now() - startedAt)));
    const head = withinMs === Infinity ? opening.head : { ...opening.head, withinMs: left };
    const seekUntil = startedAt + ownerWithinMs;
    const options = { ...opening, head, window, silentMs, seekUntil, now, random, requestSignal, signal };
    const call = new MadeCall(this.#exchange, this.#exchange.nextId(), options);
    this.#exchange.add(call);
    return call;
  }
}
