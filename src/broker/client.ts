import type { Duplex } from "node:stream";
import mqtt, {
  type IConnackPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type MqttClient as MqttJsClient,
  type Packet,
} from "mqtt";
import type { Subscription } from "../mqtt/subscription.ts";
import { parseTopicName } from "../mqtt/topic.ts";
import { clientOptions, type ConnectFields } from "./client-options.ts";
import { readConnackProperties } from "./connack.ts";
import type { ClientEvent, SubscribeResult } from "./client-event.ts";
import { subscribeOptions, subscribeResults } from "./subscribe-options.ts";
import { Guard, type Violation } from "./guard.ts";
import type { PacketStore } from "./packet-store.ts";

export interface DisconnectOptions {
  readonly reasonCode: number;
  readonly sessionExpiryInterval: number | undefined;
}

/** The members of mqtt.js that its types hide and that are used here; a contract test pins them to the version. */
interface HiddenMembers {
  outgoing: Record<string, unknown>;
  handleMessage(packet: Packet, done: () => void): void;
}

/** A fresh store, for a connection to keep; mqtt.js's own, told to survive the end of a client. */
export function createPacketStore(): PacketStore {
  const incoming = new mqtt.Store({ clean: false });
  const outgoing = new mqtt.Store({ clean: false });
  const clear = () => {
    for (const store of [incoming, outgoing])
      (store as unknown as { _inflights: Map<number, unknown> })._inflights.clear();
  };
  return { incoming, outgoing, clear };
}

/** PINGREQ is always these two bytes (§3.12); at rest it is all that is sent, so it does not go through mqtt.js. */
const pingRequest = Buffer.from([0xc0, 0x00]);

/** A peer that does not close after our DISCONNECT is cut off after so long. */
const closeGuardMs = 500;

/**
 * One mqtt.js client on one open network connection, from CONNECT to close. It never reconnects; whoever wants another
 * attempt makes another client.
 */
export class Client {
  readonly #client: MqttJsClient & HiddenMembers;
  readonly #stream: Duplex;
  readonly #fields: ConnectFields;
  #emit: (event: ClientEvent) => void;
  /** The stream's own destroy(), which mqtt.js does not reach directly. */
  readonly #destroyStream: (error?: Error) => Duplex;
  #acknowledged = false;
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
    store: PacketStore,
    limits: { readonly maxPacketBytes: number; readonly now: () => number },
    emit: (event: ClientEvent) => void,
  ) {
    this.#stream = stream;
    this.#fields = fields;
    this.#emit = emit;
    this.#destroyStream = stream.destroy.bind(stream);
    this.#watch(limits.maxPacketBytes, limits.now);
    const options = {
      ...clientOptions(fields, limits.maxPacketBytes),
      incomingStore: store.incoming,
      outgoingStore: store.outgoing,
    };
    this.#client = new mqtt.MqttClient(() => stream as never, options) as unknown as MqttJsClient &
      HiddenMembers;
    this.#client.handleMessage = (_packet, done) => {
      this.messagesIn += 1;
      done();
    };
    this.#client.on("packetreceive", (packet) => this.#received(packet, store));
    this.#client.on("connect", () => this.#emit({ type: "ready" }));
    this.#client.on("error", (error) => this.#failed(error));
    this.#client.on("close", () => this.#ended());
    this.#deferDestroy();
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
    if (this.#acknowledged && !this.#closed) this.#stream.write(pingRequest);
  }

  /** Sends one SUBSCRIBE with all of `subscriptions`; they share the options of the first. Null when the connection ends first. */
  subscribe(subscriptions: readonly Subscription[]): Promise<readonly SubscribeResult[] | null> {
    const { filters, options } = subscribeOptions(subscriptions, this.#fields.protocolVersion === "5");
    return new Promise((resolve) => {
      // Nothing may be thrown in the callback: mqtt.js would call it again.
      this.#client.subscribe(filters, options as never, (_error, _granted, packet) => {
        resolve(packet === undefined ? null : subscribeResults(packet));
      });
    });
  }

  /** Packets that the broker has yet to acknowledge: PUBLISH at QoS 1 and 2, SUBSCRIBE. */
  get inflight(): number {
    return Object.keys(this.#client.outgoing).length;
  }

  /** Resolves when nothing is in flight, or after `ms`, or when the connection ends; with what is left then. */
  drain(ms: number): Promise<number> {
    if (this.inflight === 0 || this.#closed) return Promise.resolve(this.inflight);
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#client.removeListener("packetreceive", check);
        this.#client.removeListener("close", finish);
        resolve(this.inflight);
      };
      // mqtt.js takes an acknowledgement off its list after it has told of the packet.
      const check = () =>
        process.nextTick(() => {
          if (this.inflight === 0) finish();
        });
      const timer = setTimeout(finish, ms);
      this.#client.on("packetreceive", check);
      this.#client.once("close", finish);
    });
  }

  /** Publishes at QoS 0; the probe's round trip. */
  publish(topic: string, payload: string): void {
    this.messagesOut += 1;
    this.#client.publish(topic, payload, { qos: 0 });
  }

  /** Hears every PUBLISH; the probe's round trip. */
  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#client.on("message", (topic, payload) => listener(topic, payload));
  }

  /** Sends DISCONNECT (reason code and properties only in 5) and closes; at once, when CONNACK has not come. */
  disconnect(options: DisconnectOptions): void {
    if (this.#closed) return;
    if (!this.#acknowledged) return this.destroy();
    const guard = setTimeout(() => this.destroy(), closeGuardMs);
    this.#client.once("close", () => clearTimeout(guard));
    // With anything in it, end() would wait for acknowledgements for ever.
    this.#client.outgoing = {};
    const { reasonCode, sessionExpiryInterval } = options;
    const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } };
    this.#client.end(false, this.#fields.protocolVersion === "5" ? { reasonCode, ...properties } : {});
  }

  /** Closes the network connection without DISCONNECT; the broker publishes the will. */
  destroy(): void {
    this.#destroyStream();
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

  #received(packet: Packet, store: PacketStore): void {
    if (this.#violation !== null) return;
    if (packet.cmd === "connack") this.#connack(packet, store);
    else if (packet.cmd === "publish") this.#checkTopic(packet);
    else if (packet.cmd === "pingresp") this.#emit({ type: "pong" });
    else if (packet.cmd === "disconnect") this.#disconnected(packet);
    else if (packet.cmd === "auth") {
      this.#violate({
        kind: "authentication",
        reasonCode: 0x8c,
        detail: "The broker asks for a further authentication step (AUTH), which is not supported",
      });
    }
  }

  /** A Topic Name has no wildcards (MQTT-3.3.2-2), and is empty only where an alias stands for it (§3.3.2.1). */
  #checkTopic({ topic, properties }: IPublishPacket): void {
    const aliased = topic.length === 0 && properties?.topicAlias !== undefined;
    if (aliased || parseTopicName(topic).ok) return;
    this.#violate({
      kind: "protocol",
      reasonCode: 0x82,
      detail: "The broker sent a PUBLISH whose topic name is not one",
    });
  }

  #connack(packet: IConnackPacket, store: PacketStore): void {
    const reasonCode = packet.reasonCode ?? packet.returnCode ?? 0;
    const properties = readConnackProperties(packet.properties as Record<string, unknown> | undefined);
    if (properties === null)
      return this.#violate({
        kind: "protocol",
        reasonCode: 0x82,
        detail: "The broker sent a CONNACK whose properties are not valid",
      });
    const connack = { sessionPresent: packet.sessionPresent, reasonCode, properties };
    if (reasonCode === 0) {
      this.#acknowledged = true;
      // The broker has forgotten these packets; a PUBREL for one would deliver an old message.
      if (!packet.sessionPresent) store.clear();
    }
    // After mqtt.js has handled the packet too, so that what the owner does next finds it connected.
    process.nextTick(() => {
      if (!this.#closed && this.#violation === null) this.#emit({ type: "connack", connack });
    });
  }

  #disconnected(packet: IDisconnectPacket): void {
    this.#emit({
      type: "disconnect",
      reasonCode: packet.reasonCode ?? 0,
      reasonString: packet.properties?.reasonString ?? null,
      serverReference: packet.properties?.serverReference ?? null,
    });
    // mqtt.js leaves the socket open, and so may the broker.
    this.destroy();
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
    this.#violate({
      kind: "protocol",
      reasonCode,
      detail: "The broker sent a packet that breaks the protocol",
    });
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

  /** mqtt.js destroys the stream first and says why after; the DISCONNECT that says why must still go out. */
  #deferDestroy(): void {
    let deferred = false;
    this.#stream.destroy = (error?: Error) => {
      if (deferred || !this.#acknowledged || this.#closed || error !== undefined)
        return this.#destroyStream(error);
      deferred = true;
      process.nextTick(() => {
        if (this.#violation === null) this.destroy();
      });
      return this.#stream;
    };
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#emit({ type: "closed", error: this.#firstError });
  }
}
