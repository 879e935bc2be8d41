import { brokenOff } from "./tunnel-errors.ts";
import { encodeAccept, encodeHead, encodeStart, type Reason } from "./tunnel-frame.ts";
import { InFlow } from "./tunnel-flow.ts";
import { Call, type Exchange, type Far } from "./tunnel-call.ts";
import { announcedLength, endToEnd, hasBody, toRequest, type Head } from "./tunnel-head.ts";
import { Source } from "./tunnel-source.ts";

/** What the node that got the call says of it. */
export interface CallInfo {
  /** Who called, in the words that `forward` was given; for logs. */
  readonly caller: string | null;
  /** So long the caller waits for the head of the answer, in milliseconds. */
  readonly withinMs: number | null;
}

export type Handler = (request: Request, info: CallInfo) => Response | Promise<Response>;

export interface ServedCallOptions {
  readonly far: Far;
  readonly head: Head;
  readonly first: Uint8Array<ArrayBuffer>;
  /** What the request's body takes of the room: all of it, or a window of it. */
  readonly taken: number;
  readonly mostHeadBytes: number;
  readonly now: () => number;
  readonly handler: Handler;
  /** Whose call it is, to tell them apart. */
  readonly serving: object;
}

/** A call, at the node that owns what it is about. */
export class ServedCall extends Call {
  readonly #options: ServedCallOptions;
  readonly #aborting = new AbortController();
  readonly #dueAt: number;
  #answering = false;

  constructor(exchange: Exchange, id: number, options: ServedCallOptions) {
    super(exchange, id, new InFlow(options.taken));
    this.#options = options;
    this.far = options.far;
    this.#dueAt = options.now() + (options.head.withinMs ?? Infinity);
  }

  /** False where the request is none that a server could have got; nothing has happened then. */
  start(): boolean {
    const { far, head, first, taken } = this.#options;
    const isStream = head.body === "more";
    const give = () => this.exchange.room.give(taken);
    const content = isStream ? this.receiveBody(announcedLength(head), give, () => {}).stream : first;
    const request = toRequest(head, content, this.#aborting.signal);
    // The opening is the first that has come.
    this.receive({ kind: "credit", credit: head.window ?? 0, id: this.id, seq: 1 });
    if (request === null || this.isOver || (isStream && !this.receiveBytes(first))) return false;
    this.exchange.attach(this, far);
    const window = isStream ? taken : 0;
    this.exchange.send(far, encodeAccept(far.id, this.out.next(), this.exchange.inbox, this.id, window));
    void this.#serve(request);
    return true;
  }

  get serving(): object {
    return this.#options.serving;
  }

  tick(now: number): void {
    if (!this.#answering && now >= this.#dueAt) this.fail("late");
  }

  noResponders(): void {}

  protected receiveOther(): void {
    this.malformed();
  }

  protected ended(reason: Reason | null): void {
    const { head, taken } = this.#options;
    if (reason !== null) this.#aborting.abort(brokenOff(reason));
    // The end of the answer is the end of the call, whatever was still to come of the request.
    if (head.body === "more") this.receiver?.fail(brokenOff(reason ?? "cancelled"));
    else this.exchange.room.give(taken);
  }

  async #serve(request: Request): Promise<void> {
    const { handler, head } = this.#options;
    const info = { caller: head.caller ?? null, withinMs: head.withinMs ?? null };
    let response: Response;
    try {
      response = await handler(request, info);
    } catch {
      response = new Response(null, { status: 500 });
    }
    try {
      await this.#answer(response, request.method);
    } catch {
      this.fail("broken");
    }
  }

  async #answer(response: Response, method: string): Promise<void> {
    const { status, body } = response;
    const headers = endToEnd(response.headers);
    if (this.isOver || !hasBody(method, response)) {
      body?.cancel().catch(() => {});
      if (this.#head({ status, headers, body: "none" }, new Uint8Array(0))) this.finish(null);
      return;
    }
    const source = new Source(body as ReadableStream<Uint8Array>);
    const most = Math.min(this.exchange.pieceBytes, this.out.room);
    const { first, isWhole } = await source.begin(most, most);
    const head: Head = { status, headers, body: isWhole ? "whole" : "more" };
    if (!this.#head(head, first)) return source.cancel("cancelled");
    if (isWhole) this.finish(null);
    else this.sendBody(source, announcedLength(head), first.length, () => this.finish(null));
  }

  /** False where there is no more need of it. */
  #head(head: Head, first: Uint8Array): boolean {
    if (this.isOver) return false;
    const encoded = encodeHead(head);
    if (encoded.length > this.#options.mostHeadBytes) {
      this.fail("broken");
      return false;
    }
    this.#answering = true;
    if (first.length > 0) this.out.spend(first.length);
    const { far } = this.#options;
    this.exchange.send(far, encodeStart("head", far.id, this.out.next(), encoded, first));
    return true;
  }
}
