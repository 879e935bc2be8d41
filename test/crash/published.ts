interface Message {
  readonly topic: string;
  readonly qos: 1 | 2;
  acknowledged: boolean;
  /** The ids under which it is in the log. */
  readonly ids: Set<string>;
}

/** Unique payloads that were published to one connection's topics, and where they are in its log. */
export class Published {
  readonly #what: string;
  readonly #messages = new Map<string, Message>();
  readonly #owed = new Set<string>();

  /** `what` the log is, for complaints. */
  constructor(what: string) {
    this.#what = what;
  }

  send(payload: string, topic: string, qos: 1 | 2): void {
    this.#messages.set(payload, { topic, qos, acknowledged: false, ids: new Set() });
  }

  /** The publisher has got its PUBACK or PUBCOMP. */
  acknowledge(payload: string): void {
    const message = this.#messages.get(payload);
    if (message === undefined) return;
    message.acknowledged = true;
    if (message.ids.size === 0) this.#owed.add(payload);
  }

  /** It was read from the log. What is wrong with that. */
  read(payload: string, id: string): string[] {
    const message = this.#messages.get(payload);
    if (message === undefined) return [`${this.#what}: ${id} has ${payload}, which nobody has published`];
    message.ids.add(id);
    this.#owed.delete(payload);
    return message.qos === 2 && message.ids.size > 1
      ? [`${this.#what}: ${payload} was published at QoS 2, and is there as ${[...message.ids].join(", ")}`]
      : [];
  }

  /** Acknowledged to the publisher, and not read, with their topics. */
  get owed(): string[] {
    return [...this.#owed].map((payload) => `${payload} to ${this.#messages.get(payload)?.topic}`);
  }

  get size(): number {
    return this.#messages.size;
  }
}
