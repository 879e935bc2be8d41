import type { IncomingStore } from "../broker/incoming-store.ts";
import { Outgoing } from "../broker/outgoing.ts";
import type { KeptMessages, PublishAck, SessionState } from "../broker/session-state.ts";
import type { Budgets } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import { Listeners } from "../listeners.ts";
import type { ReceivedMessage } from "../mqtt/message.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import { Problem } from "../problem.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import type { Change } from "../store/store.ts";
import type { Announcement } from "./announcement.ts";
import type { Link } from "./link.ts";
import type { Messages } from "./messages.ts";
import type { OutboxLimits } from "./outbox.ts";
import { closedMeanwhile, notConnectedProblem } from "./problems.ts";
import { unansweredInTime } from "./publish-problems.ts";
import type { PublishTimes } from "./publish-times.ts";
import { Publisher, type PublishLimits, type Submission } from "./publisher.ts";
import { callRequest, responseTimeout, type RequestCall } from "./request-call.ts";
import { Requests } from "./requests.ts";
import { RetainedReads } from "./retained-reads.ts";
import type { SessionParts } from "./session-parts.ts";
import type { Machine } from "./state.ts";
import { Subscriptions, type Subscribed } from "./subscriptions.ts";
import type { KnownSubscriptions } from "./wanted.ts";

export interface SessionLimits extends PublishLimits, OutboxLimits {
  /** Subscriptions of one connection at most, those of calls that read included. */
  readonly maxSubscriptions: number;
}

export interface SessionDeps {
  readonly limits: SessionLimits;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly publishTimes?: PublishTimes | undefined;
  readonly machine: () => Machine;
  readonly tell: (announcement: Announcement) => void;
  /** What it goes on with. */
  readonly parts: SessionParts;
  readonly subscriptions: KnownSubscriptions;
  /** Resolves when a change of subscriptions is kept; null where such are not. */
  readonly saved: (() => Promise<void>) | null;
}

/** How long a call may take, and its caller. */
export interface Patience {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** The messages of one connection, over all of its network connections: what goes out, what is subscribed, what came. */
export class Session implements SessionState {
  readonly parts: SessionParts;
  readonly publisher: Publisher;
  readonly subscriptions: Subscriptions;
  readonly #deps: SessionDeps;
  readonly #cleanStart: boolean;
  readonly #outgoing: Outgoing;
  readonly #watchers = new Listeners();
  #requests: Requests | null = null;
  #retained: RetainedReads | null = null;
  #link: Link | null = null;

  constructor({ cleanStart }: ConnectionRequest, deps: SessionDeps) {
    const { limits, budgets, clock, machine, tell, parts, subscriptions, saved } = deps;
    const { inflight } = budgets;
    this.#deps = deps;
    this.parts = parts;
    this.#cleanStart = cleanStart;
    this.#outgoing = new Outgoing(() => this.publisher.pump(), inflight);
    this.publisher = new Publisher(this.#outgoing, limits, machine, clock, inflight, deps.publishTimes);
    const { maxSubscriptions } = limits;
    this.subscriptions = new Subscriptions(
      ...([subscriptions, maxSubscriptions, tell, saved, budgets.subscriptions] as const),
    );
  }

  get messages(): Messages {
    return this.parts.messages;
  }

  get incoming(): IncomingStore {
    return this.parts.incoming;
  }

  get kept(): KeptMessages | null {
    return this.messages.keeping?.inbound ?? null;
  }

  get ids() {
    return this.#outgoing.ids;
  }

  /** The version that is spoken, or was last; null before the first CONNACK. */
  get protocolVersion(): ProtocolVersion | null {
    return this.#deps.machine().established?.protocolVersion ?? null;
  }

  /** QoS 1 and 2 messages that the broker has yet to acknowledge. */
  get inFlight(): number {
    return this.#outgoing.size;
  }

  /** Responses that came when nobody waited for them any more. */
  get lateResponses(): number {
    return this.#requests?.late ?? 0;
  }

  /** What is under way and would be lost with the connection. */
  get unfinished(): number {
    return this.#outgoing.size + this.publisher.waiting;
  }

  acknowledged(ack: PublishAck): boolean {
    return this.#outgoing.acknowledge(ack);
  }

  received(message: ReceivedMessage, packetId: number): void {
    const { messages, incoming } = this;
    const { keeping } = messages;
    if (keeping === null || message.qos !== 2) {
      if (!this.#isForCall(message)) messages.append(message);
      return;
    }
    // Released and in the log in one commit, so that it is there once however often PUBREL comes.
    const putBack = incoming.release(packetId);
    const released: Change = { type: "delete", space: keeping.incoming, key: String(packetId) };
    if (this.#isForCall(message)) keeping.inbound.add([released], 0, undefined, putBack);
    else messages.append(message, [released], putBack);
  }

  #isForCall(message: ReceivedMessage): boolean {
    if (this.#requests?.offer(message) === true) return true;
    // Sent for the call alone, where nothing else that is subscribed has it.
    return this.#retained?.offer(message) === true && !this.subscriptions.covers(message.topic);
  }

  /** The network connection is ready for messages. */
  begin(link: Link): void {
    this.#link = link;
    void this.subscriptions.begin(link);
    this.publisher.begin(link.client, link.negotiated, link.sessionPresent);
    this.parts.outbox?.begin(this.publisher);
    this.#watchers.call();
  }

  /** The network connection has gone, or an attempt has failed; the machine has moved already. */
  end(): void {
    this.#link = null;
    const { state, established, negotiated } = this.#deps.machine();
    const expires = established?.protocolVersion === "5" && (negotiated?.sessionExpiryInterval ?? 0) === 0;
    this.subscriptions.end();
    this.parts.outbox?.end();
    this.publisher.end();
    if (this.#cleanStart || expires || state.name === "closed") this.#outgoing.lose();
    else if (state.name === "failed") this.#outgoing.abandonCallers();
    this.#watchers.call();
  }

  /** The connection is closed for good; `successor` may go on with its messages, and with its outbox. */
  close(successor: Session | null): void {
    this.end();
    this.subscriptions.leave();
    if (successor?.messages !== this.messages) this.messages.log.close();
    if (successor?.parts.outbox !== this.parts.outbox) this.parts.outbox?.close();
  }

  /**
   * Resolves when it is granted and kept.
   *
   * @throws {Problem} as `Subscriptions.add`, or `acknowledgement-timeout`
   * @throws {StoreError}
   */
  async subscribe(subscription: Subscription, patience: Patience): Promise<Subscribed> {
    const late = () => unansweredInTime("SUBACK", patience.waitMs);
    const add = (link: Link, over: AbortSignal) => this.subscriptions.add(subscription, link, over);
    const subscribed = await this.#call(patience, late, add);
    await this.#deps.saved?.();
    return subscribed;
  }

  /**
   * Resolves when the broker has it no more, and it is kept so.
   *
   * @throws {Problem} as `Subscriptions.remove`, or `acknowledgement-timeout`
   * @throws {StoreError}
   */
  async unsubscribe(topicFilter: TopicFilter, patience: Patience): Promise<void> {
    const late = () => unansweredInTime("UNSUBACK", patience.waitMs);
    await this.#call(patience, late, (link) => this.subscriptions.remove(topicFilter, link));
    await this.#deps.saved?.();
  }

  /** @throws {Problem} as `Subscriptions.hold`, or `acknowledgement-timeout` */
  hold(subscription: Subscription, patience: Patience): Promise<() => void> {
    const late = () => unansweredInTime("SUBACK", patience.waitMs);
    return this.#call(patience, late, (link, over) => this.subscriptions.hold(subscription, link, over));
  }

  /** @throws {Problem} as `callRequest`, or `response-timeout` */
  request(call: RequestCall, patience: Patience): Promise<ReceivedMessage> {
    const requests = (this.#requests ??= new Requests());
    const { subscriptions, publisher } = this;
    let submission: Submission | null = null;
    const onSubmitted = (submitted: Submission) => (submission = submitted);
    const late = () => responseTimeout(patience.waitMs, submission);
    return this.#call(patience, late, (link, over) =>
      callRequest(call, { requests, subscriptions, publisher, onSubmitted }, link, over),
    );
  }

  /** @throws {Problem} as `Subscriptions.hold`, `acknowledgement-timeout`, or `no-retained-message` */
  readRetained(topic: TopicName, patience: Patience): Promise<ReceivedMessage> {
    const retained = (this.#retained ??= new RetainedReads());
    let subscribed = false;
    const none = () =>
      new Problem("no-retained-message", `No retained message came within ${patience.waitMs} ms`);
    const late = () => (subscribed ? none() : unansweredInTime("SUBACK", patience.waitMs));
    return this.#call(patience, late, (link, over) =>
      retained.read(topic, this.subscriptions, link, over, () => (subscribed = true)),
    );
  }

  /** Runs a call on the connection as it is now, for so long as its caller has patience and the connection is there. */
  async #call<T>(
    { waitMs, signal }: Patience,
    late: () => Problem,
    call: (link: Link, over: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { machine } = this.#deps;
    const isClosed = () => machine().state.name === "closed";
    const ended = new AbortController();
    const leave = () => ended.abort();
    const timer = setTimeout(leave, waitMs);
    signal.addEventListener("abort", leave, { once: true });
    // Not before those have been told who wait for an acknowledgement.
    const unlisten = this.#watchers.add(() => isClosed() && setImmediate(leave));
    const over = ended.signal;
    const isOver = new Promise<never>((_, reject) => {
      const giveUp = () => reject(isClosed() ? closedMeanwhile(machine()) : late());
      over.addEventListener("abort", giveUp, { once: true });
    });
    const result = this.#linked(over).then((link) => call(link, over));
    try {
      return await Promise.race([result, isOver]);
    } finally {
      clearTimeout(timer);
      unlisten();
      signal.removeEventListener("abort", leave);
    }
  }

  /**
   * The link, as soon as it is ready; CONNACK success comes a moment before.
   *
   * @throws {Problem} `not-connected`, `temporarily-not-connected`
   */
  async #linked(over: AbortSignal): Promise<Link> {
    const { machine, clock } = this.#deps;
    const isUp = () => machine().state.name === "connected";
    await this.#watchers.until(() => (isUp() && this.#link === null ? null : true), over);
    if (!isUp() || this.#link === null) throw notConnectedProblem(machine(), clock.wall());
    return this.#link;
  }
}
