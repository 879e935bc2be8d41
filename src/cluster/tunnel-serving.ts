import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { decode, encodeAbort, type Frame, type Reason } from "./tunnel-frame.ts";
import type { Far } from "./tunnel-call.ts";
import type { CallExchange } from "./tunnel-exchange.ts";
import { ServedCall, type Handler } from "./tunnel-served.ts";

/** Two owners may overlap for a moment; a call goes to one of them. */
const queue = "owner";

/** The calls of one subject, served at this node. */
export class TunnelServing implements AsyncDisposable {
  /** Resolves when it takes no more calls. */
  readonly stopped: Promise<void>;
  readonly #exchange: CallExchange;
  readonly #handler: Handler;
  readonly #mayServe: () => boolean;
  readonly #subscription: Subscription;
  readonly #connection: NatsConnection;
  #isStopping = false;

  constructor(
    connection: NatsConnection,
    exchange: CallExchange,
    subject: string,
    handler: Handler,
    mayServe: () => boolean,
  ) {
    this.#connection = connection;
    this.#exchange = exchange;
    this.#handler = handler;
    this.#mayServe = mayServe;
    this.#subscription = connection.subscribe(subject, {
      queue,
      callback: (error, message) => exchange.guard(() => this.#receive(error, message)),
    });
    this.stopped = this.#closed();
  }

  /** Takes no more calls, whose callers then look for the next owner; those under way go on. */
  async stop(): Promise<void> {
    if (!this.#isStopping) {
      this.#isStopping = true;
      // Those that are on their way here are still told.
      if (!this.#subscription.isClosed()) await this.#subscription.drain().catch(() => {});
    }
    return this.stopped;
  }

  /** Also ends those under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exchange.link.state === "up") await this.stop();
    else this.#subscription.unsubscribe();
    this.#exchange.failWhere("closing", (call) => call instanceof ServedCall && call.serving === this);
    if (this.#exchange.link.state === "up") await this.#connection.flush().catch(() => {});
  }

  async #closed(): Promise<void> {
    await this.#subscription.closed;
  }

  #receive(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const frame = decode(message.data);
    const inbox = /^(.+)\.o\d+$/.exec(message.reply ?? "")?.[1];
    if (frame?.kind !== "open" || inbox === undefined || !this.#exchange.isInbox(inbox))
      return this.#exchange.noteMalformed();
    const far = { inbox, id: frame.id };
    const reason = this.#isStopping || !this.#mayServe() ? "not-serving" : this.#begin(far, frame);
    if (reason !== null) this.#exchange.send(far, encodeAbort(far.id, 1, reason));
  }

  /** Why not, where it is not served. */
  #begin(far: Far, { head, first }: Frame & { readonly kind: "open" }): Reason | null {
    const { room, limits } = this.#exchange;
    if (this.#exchange.served >= limits.mostCalls) return "full";
    const taken = head.body === "more" ? room.takeWindow() : room.take(first.length) ? first.length : null;
    if (taken === null) return "full";
    const { mostHeadBytes, now } = limits;
    const handler = this.#handler;
    const options = { far, head, first, taken, mostHeadBytes, now, handler, serving: this };
    const call = new ServedCall(this.#exchange, this.#exchange.nextId(), options);
    this.#exchange.add(call);
    if (call.start()) return null;
    this.#exchange.noteMalformed();
    call.finish("refused");
    return "refused";
  }
}
