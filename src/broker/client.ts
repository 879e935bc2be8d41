import type { Duplex } from "node:stream";
import mqtt, {
  type IConnackPacket,
  type IPublishPacket,
  type IStore,
  type MqttClient as MqttJsClient,
  type Packet,
} from "mqtt";
import type { Subscription } from "../mqtt/subscription.ts";
import { holdAcknowledgements } from "./ack-gate.ts";
import type { AttemptDeps } from "./attempt.ts";
import { clientOptions, type ConnectFields } from "./client-options.ts";
import { readConnackProperties } from "./connack.ts";
import type { ClientEvent, DisconnectOptions, SubscribeResult } from "./client-event.ts";
import { BatchedWriter } from "./batched-writer.ts";
import { sendSubscribe, sendUnsubscribe } from "./subscribe.ts";
import { deferDestroy } from "./deferred-destroy.ts";
import { drained } from "./drain.ts";
import { Guard, type Violation } from "./guard.ts";
import { Inbound } from "./inbound.ts";
import type { Wire } from "./outgoing.ts";
import { readAck, readDisconnect } from "./read-packets.ts";
import { encodePubrel } from "./publish-packet.ts";
import type { SessionState } from "./session-state.ts";

/** PINGREQ is always these two bytes (§3.12); at rest it is all that is sent, so it does not go through mqtt.js. */
const pingRequest = Buffer.from([0xc0, 0x00]);
/** After so many messages others have a turn: one read of the socket may bring thousands. */
const messagesInARow = 256;
/** A peer that does not close after our DISCONNECT is cut off after so long. */
const closeGuardMs = 500;

/**
 * One mqtt.js client on one open network connection, from CONNECT to close. It never reconnects; whoever wants another
 * attempt makes another client.
 */
export class Client implements Wire {
  readonly #client: MqttJsClient;
  readonly #stream: Duplex;
  readonly #fields: ConnectFields;
  readonly #session: SessionState;
  readonly #inbound: Inbound;
  readonly #writer: BatchedWriter;
  readonly #report: (error: unknown) => void;
  #emit: (event: ClientEvent) => void;
  /** The stream's own destroy(), which mqtt.js does not reach directly. */
  readonly #destroyStream: (error?: Error) => Duplex;
  #acknowledged = false;
  /** DISCONNECT is written, and nothing of ours may follow it (MQTT-3.14.4-1). */
  #leaving = false;
  #violation: Violation | null = null;
  #firstError: unknown = null;
  #closed = false;
  bytesIn = 0;
  messagesIn = 0;
  messagesOut = 0;
  lastReceivedAt = 0;

  /** Sends CONNECT at once. `now` is a monotonic clock in milliseconds. */
  constructor(
    stream: Duplex,
    fields: ConnectFields,
    session: SessionState,
    limits: Pick<AttemptDeps, "maxPacketBytes" | "now" | "report">,
    emit: (event: ClientEvent) => void,
  ) {
    this.#stream = stream;
    this.#writer = new BatchedWriter(stream);
    this.#fields = fields;
    this.#session = session;
    this.#inbound = new Inbound(fields.request.properties?.topicAliasMaximum ?? 0);
    this.#emit = emit;
    this.#destroyStream = stream.destroy.bind(stream);
    this.#report = limits.report;
    this.#watch(limits.maxPacketBytes, limits.now);
    const options = {
      ...clientOptions(fields, limits.maxPacketBytes),
      incomingStore: session.incoming as unknown as IStore,
      messageIdProvider: session.ids,
    };
    this.#client = new mqtt.MqttClient(() => stream as never, options);
    const receive = (packet: Packet) => this.#received(packet);
    const deliver = (packet: Packet) => this.#deliver(packet);
    this.#client.handleMessage = (packet, done) => {
      const before = this.messagesIn;
      this.#guarded(deliver, packet);
      if (this.messagesIn === before) done(new Error("Not taken, so that the broker must keep it"));
      else if (this.messagesIn % messagesInARow === 0) setImmediate(() => this.#whenRoom(done));
      else this.#whenRoom(done);
    };
    if (session.kept !== null)
      holdAcknowledgements(this.#client, session.kept, (bytes) => this.#write(bytes));
    this.#client.on("packetreceive", (packet) => this.#guarded(receive, packet));
    this.#client.on("connect", () => this.#emit({ type: "ready" }));
    this.#client.on("error", (error) => this.#failed(error));
    this.#client.on("close", () => this.#ended());
    deferDestroy(stream, {
      now: this.#destroyStream,
      mayDisconnect: () => this.#acknowledged && !this.#closed,
      isDisconnecting: () => this.#violation !== null,
    });
    this.#client.connect();
  }

  /** Bytes written to the network connection, as the stream counts them. */
  get bytesOut(): number {
    return "bytesWritten" in this.#stream ? Number(this.#stream.bytesWritten) : 0;
  }

  /** Tells `listener` what happens from here on, and nobody else. */
  tell(listener: (event: ClientEvent) => void): void {
    this.#emit = listener;
  }

  sendPingRequest(): void {
    if (this.#acknowledged && !this.#closed && !this.#leaving) this.#stream.write(pingRequest);
  }

  /** One SUBSCRIBE; its subscriptions share the options of the first. Null when the connection ends first. */
  async subscribe(subscriptions: readonly Subscription[]): Promise<readonly SubscribeResult[] | null> {
    const version5 = this.#fields.protocolVersion === "5";
    const results = await sendSubscribe(this.#client, subscriptions, version5);
    if (results === null || results.length === subscriptions.length) return results;
    this.#breaks(`The broker sent a SUBACK with ${results.length} codes for ${subscriptions.length} filters`);
    return null;
  }

  /** Null when the connection ends first. */
  unsubscribe(topicFilter: string): Promise<SubscribeResult | null> {
    return sendUnsubscribe(this.#client, topicFilter);
  }

  /** SUBSCRIBE and UNSUBSCRIBE packets that the broker has yet to answer. */
  get unanswered(): number {
    return Object.keys(this.#client.outgoing).length;
  }

  /** Resolves when `left`, with what is unanswered, is 0, or after `ms`, or when the connection ends; with what is left. */
  drain(ms: number, left: () => number): Promise<number> {
    const count = () => left() + this.unanswered;
    if (count() === 0 || this.#closed) return Promise.resolve(count());
    return drained(this.#client, ms, count);
  }

  sendPublish(bytes: Buffer): void {
    this.messagesOut += 1;
    this.#write(bytes);
  }

  sendPubrel(packetId: number, reasonCode: number): void {
    this.#write(encodePubrel(packetId, reasonCode, this.#fields.protocolVersion));
  }

  /** Bytes that wait to be taken by the network, which takes none behind a DISCONNECT. */
  get backlog(): number {
    return this.#leaving ? Infinity : this.#stream.writableLength;
  }

  /** Calls `listener` each time the network has taken all, after it was full. */
  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  /** Sends DISCONNECT (reason code and properties only in 5) and closes; at once, when CONNACK has not come. */
  disconnect(options: DisconnectOptions): void {
    if (this.#closed || this.#leaving) return;
    if (!this.#acknowledged) return this.destroy();
    const guard = setTimeout(() => this.destroy(), closeGuardMs);
    this.#client.once("close", () => clearTimeout(guard));
    // With anything in it, end() would wait for acknowledgements for ever; those who wait are told.
    const unanswered = Object.values(this.#client.outgoing);
    this.#client.outgoing = {};
    for (const { cb } of unanswered) cb(new Error("The connection is being closed"));
    const { reasonCode, sessionExpiryInterval } = options;
    const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } };
    this.#client.end(false, this.#fields.protocolVersion === "5" ? { reasonCode, ...properties } : {});
    this.#leaving = true;
  }

  /** Closes the network connection without DISCONNECT; the broker publishes the will. */
  destroy(): void {
    this.#destroyStream();
  }

  #whenRoom(done: () => void): void {
    const { kept } = this.#session;
    if (kept === null) done();
    else kept.whenRoom(done);
  }

  #write(bytes: Buffer): void {
    if (!this.#closed && this.#acknowledged && !this.#leaving) this.#writer.write(bytes);
  }

  #watch(maxPacketBytes: number, now: () => number): void {
    const guard = new Guard(maxPacketBytes);
    // In front of mqtt.js's own reading, and cheaper than one more stream in between.
    this.#stream.on("data", (bytes: Buffer) => {
      if (this.#violation !== null) return;
      this.lastReceivedAt = now();
      this.bytesIn += bytes.length;
      const violation = guard.inspect(bytes);
      if (violation !== null) this.#violate(violation);
    });
    this.#stream.on("error", (error) => {
      this.#firstError ??= error;
    });
  }

  /** Nothing is thrown into mqtt.js, which would read no further packet. */
  #guarded(handle: (packet: Packet) => void, packet: Packet): void {
    try {
      if (this.#violation === null && !this.#closed) handle(packet);
    } catch (error) {
      this.#report(error);
    }
  }

  #received(packet: Packet): void {
    if (packet.cmd === "publish") {
      const wrong = this.#inbound.check(packet);
      if (wrong !== null) this.#breaks(wrong);
      else if (packet.qos === 2 && !this.#session.incoming.hasRoom(packet)) {
        const detail = "The broker has sent more QoS 2 messages without releasing them than are kept";
        this.#violate({ kind: "protocol", reasonCode: 0x97, detail });
      }
    } else if (packet.cmd === "puback" || packet.cmd === "pubrec" || packet.cmd === "pubcomp") {
      if (!this.#session.acknowledged(readAck(packet)))
        this.#breaks(`The broker sent ${packet.cmd.toUpperCase()} for a message that it does not answer`);
    } else if (packet.cmd === "connack") this.#connack(packet);
    else if (packet.cmd === "pingresp") this.#emit({ type: "pong" });
    else if (packet.cmd === "disconnect") {
      this.#emit(readDisconnect(packet));
      // mqtt.js leaves the socket open, and so may the broker.
      this.destroy();
    } else if (packet.cmd === "auth") {
      const detail = "The broker asks for a further authentication step (AUTH), which is not supported";
      this.#violate({ kind: "authentication", reasonCode: 0x8c, detail });
    }
  }

  #deliver(packet: Packet): void {
    const message = this.#inbound.take(packet as IPublishPacket);
    if (message === null) return;
    this.#session.received(message, packet.messageId ?? 0);
    this.messagesIn += 1;
  }

  #breaks(detail: string): void {
    this.#violate({ kind: "protocol", reasonCode: 0x82, detail });
  }

  #connack(packet: IConnackPacket): void {
    const reasonCode = packet.reasonCode ?? packet.returnCode ?? 0;
    const properties = readConnackProperties(packet.properties as Record<string, unknown> | undefined);
    if (properties === null) return this.#breaks("The broker sent a CONNACK whose properties are not valid");
    const connack = { sessionPresent: packet.sessionPresent, reasonCode, properties };
    if (reasonCode === 0) {
      this.#acknowledged = true;
      // The broker has forgotten these packets; a PUBREL for one would deliver an old message.
      if (!packet.sessionPresent || this.#fields.request.cleanStart) this.#session.incoming.clear();
    }
    // After mqtt.js has handled the packet too, so that what the owner does next finds it connected.
    process.nextTick(() => {
      if (!this.#closed && this.#violation === null) this.#emit({ type: "connack", connack });
    });
  }

  /** mqtt.js reports socket errors (with a text as code), its own verdicts (with a reason code) and parse errors here. */
  #failed(error: Error & { code?: unknown }): void {
    if (typeof error.code === "string") {
      this.#firstError ??= error;
      return;
    }
    const refusal = typeof error.code === "number" && error.message.startsWith("Connection refused");
    if (refusal || this.#violation !== null || this.#closed) return;
    const reasonCode = typeof error.code === "number" ? error.code : 0x81;
    const detail = "The broker sent a packet that breaks the protocol";
    this.#violate({ kind: "protocol", reasonCode, detail });
  }

  #violate(violation: Violation): void {
    if (this.#violation !== null || this.#closed) return;
    this.#violation = violation;
    // Before MQTT 5 a DISCONNECT says that all is well, and the broker would drop the will (3.1.1 §3.14.4).
    const told = this.#acknowledged && this.#fields.protocolVersion === "5";
    this.#emit({ type: "violation", violation, told });
    if (told) this.disconnect({ reasonCode: violation.reasonCode, sessionExpiryInterval: undefined });
    else this.destroy();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#emit({ type: "closed", error: this.#firstError });
  }
}
