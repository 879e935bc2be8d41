import type { IPublishPacket } from "mqtt";

/**
 * The topic aliases that the broker set on one network connection (MQTT 5 §3.3.2.3.4). mqtt.js keeps them too, but does
 * not give the name to what it stores of a QoS 2 message, whose network connection may be gone when it is released.
 */
export class TopicAliases {
  readonly #maximum: number;
  readonly #names = new Map<number, string>();

  /** As many as CONNECT allowed. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Puts the name into a packet that has the alias alone. What is not allowed is left to mqtt.js, which refuses it. */
  resolve(packet: IPublishPacket): void {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined || alias < 1 || alias > this.#maximum) return;
    if (packet.topic.length > 0) this.#names.set(alias, packet.topic);
    else packet.topic = this.#names.get(alias) ?? "";
  }
}
