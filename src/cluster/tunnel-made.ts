import { NoOwner, NotForwardable, OwnerLost, TunnelFull, brokenOff } from "./tunnel-errors.ts";
import { encodeHead, encodeStart, type Frame, type Reason } from "./tunnel-frame.ts";
import { InFlow } from "./tunnel-flow.ts";
import { Call, type Exchange } from "./tunnel-call.ts";
import { announcedLength, isEventStream, toResponse, type Head } from "./tunnel-head.ts";
import type { Source } from "./tunnel-source.ts";

export interface Opening {
  readonly subject: string;
  readonly head: Head;
  /** Of the request's body: what comes along, and where the rest comes from. */
  readonly first: Uint8Array;
  readonly source: Source | null;
}

export interface MadeCallOptions extends Opening {
  /** How much of the answer is taken before its reader takes it; it is given back to the room. */
  readonly window: number;
  readonly silentMs: number;
  /** Until then is looked for an owner where there is none. */
  readonly seekUntil: number;
  readonly now: () => number;
  readonly random: () => number;
  /** The caller's, until there is an answer. */
  readonly requestSignal: AbortSignal;
  /** Ends the call whenever it aborts. */
  readonly signal: AbortSignal | undefined;
}

/** A new subscription may take a moment to be known to other servers: one asks so often at least. */
const leastOpenings = 3;
const leastPauseMs = 50;
const mostPauseMs = 250;

/** A call, at the node that got it. */
export class MadeCall extends Call {
  readonly subject: string;
  readonly answer: Promise<Response>;
  readonly #options: Omit<MadeCallOptions, "first">;
  readonly #firstBytes: number;
  /** Until it has come, since it may have to be sent again. */
  #opening: Uint8Array | null;
  readonly #settle: {
    readonly resolve: (answer: Response) => void;
    readonly reject: (error: unknown) => void;
  };
  #openings = 0;
  #openedAt: number;
  #pause: ReturnType<typeof setTimeout> | undefined;
  readonly #late: ReturnType<typeof setTimeout> | undefined;
  #answered: Head | null = null;
  #cancelledBy: AbortSignal | null = null;
  readonly #onRequestAbort = () => this.#cancel(this.#options.requestSignal);
  readonly #onAbort = () => this.#cancel(this.#options.signal ?? null);

  constructor(exchange: Exchange, id: number, { first, ...options }: MadeCallOptions) {
    super(exchange, id, new InFlow(options.window));
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.answer = promise;
    this.#settle = { resolve, reject };
    this.#options = options;
    this.subject = options.subject;
    const head = encodeHead({ ...options.head, window: options.window });
    this.#opening = encodeStart("open", id, this.out.next(), head, first);
    this.#firstBytes = first.length;
    this.#openedAt = options.now();
    options.requestSignal.addEventListener("abort", this.#onRequestAbort);
    options.signal?.addEventListener("abort", this.#onAbort);
    const { withinMs } = options.head;
    this.#late = withinMs === undefined ? undefined : setTimeout(() => this.fail("late"), withinMs);
  }

  open(): void {
    if (this.#opening === null) return;
    this.#openings += 1;
    this.#openedAt = this.#options.now();
    this.exchange.sendOpening(this.subject, this.#opening, this);
  }

  noResponders(): void {
    if (this.far !== null || this.isOver) return;
    if (this.#openings >= leastOpenings && this.#options.now() >= this.#options.seekUntil)
      return this.finish(null);
    const pauseMs = leastPauseMs + this.#options.random() * (mostPauseMs - leastPauseMs);
    this.#openedAt = Infinity;
    this.#pause = setTimeout(() => this.open(), pauseMs);
  }

  tick(now: number, isLate: boolean): void {
    if (this.far !== null) return;
    if (isLate) this.#openedAt = Math.max(this.#openedAt, now);
    if (now - this.#openedAt >= this.#options.silentMs) this.fail("silent");
  }

  protected override aborted(reason: Reason): void {
    if (reason !== "not-serving" || this.far !== null) return super.aborted(reason);
    // What the next one sends begins anew.
    this.setIncoming(new InFlow(this.#options.window));
    this.noResponders();
  }

  protected receiveOther(frame: Frame): void {
    if (frame.kind === "accept" && this.far === null) this.#accepted(frame);
    else if (frame.kind === "head" && this.far !== null && this.#answered === null)
      this.#answer(frame.head, frame.first);
    else this.malformed();
  }

  protected override receivedAll(): void {
    super.receivedAll();
    this.finish(null);
  }

  protected ended(reason: Reason | null): void {
    clearTimeout(this.#pause);
    clearTimeout(this.#late);
    this.#options.requestSignal.removeEventListener("abort", this.#onRequestAbort);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.source?.cancel(reason);
    if (this.#answered === null) {
      this.exchange.room.give(this.#options.window);
      this.#settle.reject(this.#error(reason));
    } else if (reason !== null) {
      // To a reader of events an end is the sign to come back, with the last event it has; whoever reads anything else
      // would take what there is for all of it.
      if (isEventStream(this.#answered)) this.receiver?.stop();
      else this.receiver?.fail(brokenOff(reason));
    }
  }

  #accepted(frame: Frame & { readonly kind: "accept" }): void {
    if (!this.out.grant(frame.window)) return this.malformed();
    this.far = { inbox: frame.inbox, id: frame.theirId };
    this.exchange.attach(this, this.far);
    this.#opening = null;
    const { head, source } = this.#options;
    if (source === null) return;
    if (this.#firstBytes > 0) this.out.spend(this.#firstBytes);
    this.sendBody(source, announcedLength(head), this.#firstBytes, () => {});
  }

  #answer(head: Head, first: Uint8Array<ArrayBuffer>): void {
    if (head.body !== "more") return this.#answerWhole(head, first);
    const { room } = this.exchange;
    const { stream } = this.receiveBody(
      announcedLength(head),
      () => room.give(this.#options.window),
      () => this.fail("cancelled"),
    );
    const response = toResponse(head, stream);
    if (response === null || !this.receiveBytes(first)) return this.malformed();
    this.#begun(head, response);
  }

  #answerWhole(head: Head, first: Uint8Array<ArrayBuffer>): void {
    const response = toResponse(head, first);
    if (response === null || first.length > this.#options.window) return this.malformed();
    this.exchange.room.give(this.#options.window);
    this.#begun(head, response);
    this.finish(null);
  }

  #begun(head: Head, response: Response): void {
    this.#answered = head;
    clearTimeout(this.#late);
    // One runtime aborts it when the answer is complete, too; from here on it is the answer's body that is cancelled.
    this.#options.requestSignal.removeEventListener("abort", this.#onRequestAbort);
    this.#settle.resolve(response);
  }

  #cancel(signal: AbortSignal | null): void {
    this.#cancelledBy = signal;
    this.fail("cancelled");
  }

  #error(reason: Reason | null): unknown {
    if (reason === null) return new NoOwner("Nobody owns this at the moment");
    if (reason === "cancelled" && this.#cancelledBy !== null) return this.#cancelledBy.reason;
    if (reason === "full") return new TunnelFull("owner");
    if (reason === "refused" && this.far === null)
      return new NotForwardable("The node that owns this does not take such a request");
    return new OwnerLost(reason, true);
  }
}
