import { unlimited, type Budget } from "../budget.ts";
import type { Client } from "../broker/client.ts";
import type { Delivery, Outgoing } from "../broker/outgoing.ts";
import { encodePublish } from "../broker/publish-packet.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { PublishMessage } from "../mqtt/message.ts";
import type { QoS } from "../mqtt/qos.ts";
import { reasonName } from "../mqtt/reason.ts";
import { Problem } from "../problem.ts";
import { Flight } from "./flight.ts";
import { notConnectedProblem } from "./problems.ts";
import { checkPublish, receiveMaximum, takes } from "./publish-limits.ts";
import type { PublishTimes } from "./publish-times.ts";
import { acknowledgementTimeout, brokerLimit, lostInFlight, refusalProblem } from "./publish-problems.ts";
import type { Machine } from "./state.ts";

/** The packet that ended a QoS 1 or 2 exchange; `ms` from the call, waiting for the send quota included. */
export interface Acknowledgement {
  readonly packet: "puback" | "pubrec" | "pubcomp";
  readonly reasonCode: number;
  readonly reasonName: string;
  readonly reasonString: string | null;
  readonly packetId: number;
  readonly ms: number;
}

/** What became of a message that went out; QoS 0 is not acknowledged. */
export interface Published {
  readonly acknowledgement: Acknowledgement | null;
}

/** Who waits for an acknowledgement. */
export interface Caller {
  /** Aborts when it has gone. */
  readonly signal: AbortSignal;
  /** Why it may not wait any longer; asked once a second, which costs less than to be told, where there are many. */
  readonly over?: () => Problem | null;
}

export interface Submission {
  /** Written to the network connection. */
  readonly sent: boolean;
  /** Stops waiting: `done` is not called any more. True when the message has been sent. */
  cancel(): boolean;
}

export interface PublishLimits {
  /** Publishes of one connection under way at most: in flight, or waiting to be sent. */
  readonly maxInflight: number;
  /** And bytes of their packets. */
  readonly maxInflightBytes: number;
  /** QoS 1 and 2 messages unacknowledged at most; the broker's Receive Maximum may be less. */
  readonly sendQuota: number;
}

const lookMs = 1_000;
/** Bytes that wait for the network at most, before what is published waits here. */
const mostBacklog = 1_048_576;
const sentQoS0: Published = Object.freeze({ acknowledgement: null });
const refusedSubmission: Submission = { sent: false, cancel: () => false };

/**
 * Publishes over one connection: checks what the broker takes, keeps to the send quota, and tells what became of each
 * message. What cannot be sent yet waits in order, QoS 0 apart from the rest, so that one does not hold up the other.
 */
export class Publisher {
  readonly #outgoing: Outgoing;
  readonly #limits: PublishLimits;
  readonly #machine: () => Machine;
  readonly #clock: { readonly wall: () => number; readonly monotonic: () => number };
  readonly #budget: Budget;
  readonly #times: PublishTimes | undefined;
  readonly #waiting = { atMostOnce: new Set<Flight>(), acknowledged: new Set<Flight>() };
  #waitingBytes = 0;
  #client: Client | null = null;

  constructor(
    outgoing: Outgoing,
    limits: PublishLimits,
    machine: () => Machine,
    clock: { readonly wall: () => number; readonly monotonic: () => number },
    budget: Budget = unlimited(),
    times?: PublishTimes,
  ) {
    this.#outgoing = outgoing;
    this.#limits = limits;
    this.#machine = machine;
    this.#clock = clock;
    this.#budget = budget;
    this.#times = times;
  }

  /** Messages that wait to be sent. */
  get waiting(): number {
    return this.#waiting.atMostOnce.size + this.#waiting.acknowledged.size;
  }

  /** Since when the oldest message of QoS 1 or 2 waits to be acknowledged (monotonic): what was sent came before what was not. */
  get oldestSince(): number | null {
    return this.#outgoing.oldestSince ?? this.#waiting.acknowledged.values().next().value?.startedAt ?? null;
  }

  /** The connection is ready for messages. */
  begin(client: Client, negotiated: Negotiated, sessionPresent: boolean): void {
    this.#client = client;
    client.onDrain(() => this.pump());
    const version = this.#machine().established?.protocolVersion ?? "5";
    const quota = Math.min(this.#limits.sendQuota, receiveMaximum(negotiated, version));
    this.#outgoing.begin(client, quota, sessionPresent, (publish) => takes(negotiated, publish));
    this.pump();
  }

  /** The network connection has gone. What was not sent is not sent later behind the caller's back. */
  end(): void {
    this.#client = null;
    this.#outgoing.end();
    const problem = notConnectedProblem(this.#machine(), this.#clock.wall());
    for (const queue of Object.values(this.#waiting)) {
      for (const flight of queue) {
        this.#take(flight);
        flight.done(problem);
      }
    }
  }

  /**
   * Publishes, and waits for the acknowledgement at QoS 1 and 2.
   *
   * @throws {Problem} as {@link submit} gives, `acknowledgement-timeout`, or why the caller may not wait any longer
   */
  publish(message: PublishMessage, waitMs: number, caller: Caller): Promise<Published> {
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let signal: AbortSignal | undefined;
      let ended = false;
      const release = () => {
        ended = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      };
      const submission = this.submit(message, (result) => {
        release();
        if (result instanceof Problem) reject(result);
        else resolve(result);
      });
      const stop = () => {
        release();
        reject(acknowledgementTimeout(submission.cancel(), waitMs));
      };
      if (ended) return;
      const wait = (leftMs: number): void => {
        const ms = caller.over === undefined ? leftMs : Math.min(leftMs, lookMs);
        timer = setTimeout(() => {
          const over = caller.over?.() ?? null;
          if (over === null && leftMs > ms) return wait(leftMs - ms);
          if (over === null) return stop();
          release();
          submission.cancel();
          return reject(over);
        }, ms);
      };
      wait(waitMs);
      // A message that has been sent cannot be taken back; one that waits is not sent when nobody wants to know.
      if (submission.sent) return;
      ({ signal } = caller);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /**
   * Publishes without a deadline of its own; messages go out in the order of the calls. `done` is called once, maybe
   * before this returns, with `not-connected`, `temporarily-not-connected`, `invalid-request`, `broker-limit`,
   * `limit-reached`, `connection-lost`, a refusal by the broker, or what was published.
   */
  submit(message: PublishMessage, done: (result: Published | Problem) => void): Submission {
    const flight = this.#admit(message, done);
    if (flight instanceof Problem) {
      done(flight);
      return refusedSubmission;
    }
    if (!this.#trySend(flight)) this.#hold(flight);
    return flight;
  }

  /** Sends what has room now. */
  pump(): void {
    if (this.waiting === 0) return;
    for (const queue of Object.values(this.#waiting)) {
      for (const flight of queue) {
        if (!this.#hasRoom(flight.qos)) break;
        this.#take(flight);
        this.#send(flight, flight.qos === 0 ? this.#clock.monotonic() - flight.startedAt : 0);
      }
    }
  }

  #admit(message: PublishMessage, done: (result: Published | Problem) => void): Flight | Problem {
    const machine = this.#machine();
    const { state } = machine;
    if (state.name !== "connected") return notConnectedProblem(machine, this.#clock.wall());
    const { negotiated, established } = state;
    const version = established.protocolVersion;
    const refusal = checkPublish(message, negotiated, version);
    if (refusal !== null) return refusal;
    const publish = encodePublish(message, version);
    const { length } = publish.bytes;
    if (length > negotiated.maximumPacketSize) {
      return brokerLimit(
        "maximumPacketSize",
        negotiated.maximumPacketSize,
        `The packet has ${length} bytes, and the broker takes ${negotiated.maximumPacketSize} at most`,
      );
    }
    const full = this.#full(length) ?? this.#fullInAll(message.qos);
    if (full !== null) return full;
    const encoded = { qos: message.qos, publish, version };
    return new Flight(encoded, this.#clock.monotonic(), done, (flight) => this.#take(flight));
  }

  #full(length: number): Problem | null {
    const { maxInflight, maxInflightBytes } = this.#limits;
    const tooMany = this.#outgoing.size + this.waiting >= maxInflight;
    const tooMuch = this.#outgoing.bytes + this.#waitingBytes + length > maxInflightBytes;
    if (!tooMany && !tooMuch) return null;
    return new Problem("limit-reached", {
      detail: "As many publishes are under way on this connection as may be",
      limit: tooMany
        ? { name: "CONNACK_MAX_INFLIGHT", value: maxInflight }
        : { name: "CONNACK_MAX_INFLIGHT_BYTES", value: maxInflightBytes },
      retryAfterSeconds: 1,
    });
  }

  /** A message of QoS 0 that goes out at once is not under way. */
  #fullInAll(qos: QoS): Problem | null {
    if (qos === 0 && this.#hasRoom(0)) return null;
    return this.#budget.check()?.problem("publishes under way", 1) ?? null;
  }

  #queueOf(qos: QoS): Set<Flight> {
    return qos === 0 ? this.#waiting.atMostOnce : this.#waiting.acknowledged;
  }

  #hasRoom(qos: QoS): boolean {
    if (this.#client === null || this.#client.backlog >= mostBacklog) return false;
    return qos === 0 || this.#outgoing.room > 0;
  }

  #trySend(flight: Flight): boolean {
    if (this.#queueOf(flight.qos).size > 0 || !this.#hasRoom(flight.qos)) return false;
    this.#send(flight, 0);
    return true;
  }

  #hold(flight: Flight): void {
    flight.queue = this.#queueOf(flight.qos);
    flight.queue.add(flight);
    this.#waitingBytes += flight.publish.bytes.length;
    this.#budget.force();
  }

  #take(flight: Flight): void {
    if (flight.queue?.delete(flight) === true) {
      this.#waitingBytes -= flight.publish.bytes.length;
      this.#budget.give();
    }
    flight.queue = null;
  }

  /** `waitedMs` is of one of QoS 0, which is as quick as that. */
  #send(flight: Flight, waitedMs: number): void {
    const { qos, publish } = flight;
    if (qos !== 0) {
      const answer = (delivery: Delivery) => flight.done(this.#resultOf(flight, delivery));
      return this.#outgoing.send(publish, qos, answer, flight.startedAt);
    }
    this.#client?.sendPublish(publish.bytes);
    this.#times?.observe(0, "sent", waitedMs);
    flight.done(sentQoS0);
  }

  #resultOf({ qos, version, startedAt }: Flight, delivery: Delivery): Published | Problem {
    const ms = this.#clock.monotonic() - startedAt;
    if (delivery === "lost") {
      this.#times?.observe(qos, "lost", ms);
      return lostInFlight();
    }
    const { packet, reasonCode, reasonString, packetId } = delivery;
    this.#times?.observe(qos, reasonCode >= 0x80 ? "refused" : "acknowledged", ms);
    if (reasonCode >= 0x80)
      return refusalProblem("publish", { packet, reasonCode, reasonString, protocolVersion: version });
    const name = reasonName(
      packet === "pubcomp" && reasonCode === 0x10 ? "pubrec" : packet,
      reasonCode,
      version,
    );
    return { acknowledgement: { packet, reasonCode, reasonName: name, reasonString, packetId, ms } };
  }
}
