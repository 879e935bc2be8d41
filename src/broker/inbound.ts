import type { IPublishPacket } from "mqtt";
import type { ReceivedMessage } from "../mqtt/message.ts";
import { parseTopicName } from "../mqtt/topic.ts";
import { readMessage } from "./received-message.ts";
import { TopicAliases } from "./topic-aliases.ts";

/** Makes messages of the PUBLISH packets of one network connection. */
export class Inbound {
  readonly #aliases: TopicAliases | null;
  /** The message of the packet at hand, read when it came. */
  #arrived: { readonly packet: IPublishPacket; readonly message: ReceivedMessage } | null = null;

  /** `aliasMaximum` as CONNECT announced it. */
  constructor(aliasMaximum: number) {
    this.#aliases = aliasMaximum === 0 ? null : new TopicAliases(aliasMaximum);
  }

  /** Looks at a packet before mqtt.js does; returns what is wrong with it, or null. */
  check(packet: IPublishPacket): string | null {
    this.#aliases?.resolve(packet);
    // Empty only where an alias stands for it (§3.3.2.1); mqtt.js refuses one that was not set.
    if (packet.topic.length === 0 && packet.properties?.topicAlias !== undefined) return null;
    // A Topic Name has no wildcards (MQTT-3.3.2-2).
    if (!parseTopicName(packet.topic).ok) return "The broker sent a PUBLISH whose topic name is not one";
    const message = readMessage(packet);
    if (message === null) return "The broker sent a PUBLISH whose properties are not valid";
    this.#arrived = { packet, message };
    return null;
  }

  /** The message to deliver. At QoS 2 its packet came before PUBREL did, maybe on another network connection. */
  take(packet: IPublishPacket): ReceivedMessage | null {
    const arrived = this.#arrived;
    this.#arrived = null;
    return arrived?.packet === packet ? arrived.message : readMessage(packet);
  }
}
