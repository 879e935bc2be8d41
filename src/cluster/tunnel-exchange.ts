import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { TunnelFull } from "./tunnel-errors.ts";
import { decode, encodePing, type Frame, type Reason } from "./tunnel-frame.ts";
import { Link } from "./tunnel-link.ts";
import { MadeCall } from "./tunnel-made.ts";
import { Nodes } from "./tunnel-nodes.ts";
import { Room } from "./tunnel-room.ts";
import type { Call, Exchange, Far } from "./tunnel-call.ts";
import type { TunnelLimits } from "./tunnel-limits.ts";

/** What the server answers where nobody is subscribed. */
const noResponders = 503;

/** Where the calls of a node meet: who they are, what comes for them, and whether the nodes at their other ends are there. */
export class CallExchange implements Exchange, Disposable {
  readonly inbox: string;
  readonly room: Room;
  readonly pieceBytes: number;
  readonly link: Link;
  readonly limits: TunnelLimits;
  readonly #nodes: Nodes;
  readonly #subscription: Subscription;
  readonly #calls = new Map<number, Call>();
  #made = 0;
  #served = 0;
  #lastId = 0;
  #malformed = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;

  constructor(connection: NatsConnection, limits: TunnelLimits, pieceBytes: number) {
    this.limits = limits;
    this.pieceBytes = pieceBytes;
    this.inbox = createInbox(limits.inboxPrefix);
    this.room = new Room(limits.mostBufferedBytes, limits.windowBytes);
    this.link = new Link(connection, limits.mostBufferedBytes, () =>
      this.failWhere("disconnected", () => true),
    );
    this.#nodes = new Nodes({
      silentMs: limits.silentMs,
      now: limits.now,
      ping: (inbox, number, calls) =>
        this.link.send(`${inbox}.f`, encodePing(this.inbox, calls), `${this.inbox}.p${number}`),
    });
    this.#subscription = connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => this.guard(() => this.#receive(error, message)),
    });
  }

  get malformed(): number {
    return this.#malformed;
  }

  /** Calls that came to this node. */
  get made(): number {
    return this.#made;
  }

  /** Calls that this node serves for others. */
  get served(): number {
    return this.#served;
  }

  /** Nothing that comes may throw into the client, which would take the connection for broken. */
  guard(work: () => void): void {
    try {
      work();
    } catch {
      this.noteMalformed();
    }
  }

  /**
   * Takes a place for a call that came to this node, and a window for its answer, which it returns. Parts leave half of the
   * places to others.
   *
   * @throws {TunnelFull}
   */
  reserve(isPart: boolean): number {
    if (this.#made >= this.limits.mostCalls / (isPart ? 2 : 1)) throw new TunnelFull("here");
    const window = this.room.takeWindow();
    if (window === null) throw new TunnelFull("here");
    this.#made += 1;
    return window;
  }

  /** Nothing came of it. */
  unreserve(window: number): void {
    this.room.give(window);
    this.#made -= 1;
  }

  /** A number that no call has. */
  nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#lastId === 0 || this.#calls.has(this.#lastId));
    return this.#lastId;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    // Those that are made have been counted before.
    if (!(call instanceof MadeCall)) this.#served += 1;
    if (this.#timer !== undefined) return;
    this.#tickedAt = this.limits.now();
    this.#timer = setInterval(() => this.#tick(), this.limits.pingMs);
    this.#timer.unref();
  }

  /** Ends the calls that `wants` takes. */
  failWhere(reason: Reason, wants: (call: Call) => boolean): void {
    for (const call of [...this.#calls.values()]) if (wants(call)) call.fail(reason);
  }

  /** Whether it is the inbox of a node: what comes must not make us publish anywhere else, with our rights. */
  isInbox(inbox: string): boolean {
    return inbox.startsWith(`${this.limits.inboxPrefix}.`) && /^[\w-]{1,64}(\.[\w-]{1,64}){1,7}$/.test(inbox);
  }

  send({ inbox }: Far, frame: Uint8Array): void {
    this.link.send(`${inbox}.f`, frame);
  }

  sendOpening(subject: string, frame: Uint8Array, call: Call): void {
    // What were kept until later might be carried out after the caller has given up.
    if (this.link.state === "up") this.link.send(subject, frame, `${this.inbox}.o${call.id}`);
    else call.noResponders();
  }

  attach(call: Call, { inbox }: Far): void {
    this.#nodes.attach(call, inbox);
  }

  release(call: Call): void {
    this.#nodes.release(call);
    if (!this.#calls.delete(call.id)) return;
    if (call instanceof MadeCall) this.#made -= 1;
    else this.#served -= 1;
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  noteMalformed(): void {
    this.#malformed += 1;
  }

  [Symbol.dispose](): void {
    this.failWhere("closing", () => true);
    this.#subscription.unsubscribe();
    this.link[Symbol.dispose]();
  }

  #receive(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const token = message.subject.slice(this.inbox.length + 1);
    if (token !== "f") return this.#unanswered(token, message);
    const frame = decode(message.data);
    if (frame === null || frame.kind === "open") this.noteMalformed();
    else if (frame.kind !== "ping") this.#deliver(frame);
    else if (this.isInbox(frame.inbox)) this.#nodes.pinged(frame.inbox, frame.calls);
    else this.noteMalformed();
  }

  #deliver(frame: Frame): void {
    const call = this.#calls.get(frame.id);
    // It may have ended here while this was on its way.
    if (call === undefined) return;
    if (frame.kind === "accept" && !this.isInbox(frame.inbox)) return this.noteMalformed();
    this.#nodes.heard(call);
    call.receive(frame);
  }

  #unanswered(token: string, message: Msg): void {
    const number = Number(/^[op](\d{1,10})$/.exec(token)?.[1] ?? Number.NaN);
    if (Number.isNaN(number) || message.headers?.code !== noResponders) this.noteMalformed();
    else if (token.startsWith("o")) this.#calls.get(number)?.noResponders();
    else this.#nodes.noResponders(number);
  }

  #tick(): void {
    const now = this.limits.now();
    const isLate = now - this.#tickedAt > this.limits.pingMs + this.limits.silentMs / 2;
    this.#tickedAt = now;
    for (const call of [...this.#calls.values()]) call.tick(now, isLate);
    this.#nodes.tick(now, isLate);
  }
}
