import type { ReceivedMessage } from "../mqtt/message.ts";
import type { TopicName } from "../mqtt/topic.ts";

type Take = (message: ReceivedMessage) => void;

interface Expected {
  readonly topic: TopicName;
  readonly take: Take;
}

/** Responses that calls wait for (MQTT 5 §4.10). Each call expects one, and gives up by calling what it got. */
export class Requests {
  /** The response topic of this connection's own, once there is one: nothing else is expected on it. */
  ownTopic: TopicName | null = null;
  #ownKept = false;
  readonly #byCorrelation = new Map<string, Expected>();
  /** Before version 5 there is no correlation data, so that there is one call at a time for each topic. */
  readonly #byTopic = new Map<TopicName, Take>();
  readonly #turns = new Map<TopicName, Promise<void>>();
  #late = 0;

  /** Responses on the own topic that nobody waited for any more. */
  get late(): number {
    return this.#late;
  }

  /** True for the first call: its subscription to the own topic is the one that stays. */
  keepOwn(): boolean {
    const first = !this.#ownKept;
    this.#ownKept = true;
    return first;
  }

  /** Resolves when no other call expects the next message on this topic; the returned function lets the next one go. */
  async turn(topic: TopicName): Promise<() => void> {
    const before = this.#turns.get(topic);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.set(topic, promise);
    await before;
    return () => {
      resolve();
      if (this.#turns.get(topic) === promise) this.#turns.delete(topic);
    };
  }

  /** Expects a response with this correlation data (§3.3.2.3.6), until the returned function is called. */
  expect(topic: TopicName, correlationData: Uint8Array, take: Take): () => void {
    const key = keyOf(correlationData);
    this.#byCorrelation.set(key, { topic, take });
    return () => this.#byCorrelation.delete(key);
  }

  /** Expects the next message on a topic. */
  expectOn(topic: TopicName, take: Take): () => void {
    this.#byTopic.set(topic, take);
    return () => this.#byTopic.delete(topic);
  }

  /** Gives a message to who waits for it. True when it is nobody else's: it came on the own response topic. */
  offer(message: ReceivedMessage): boolean {
    const own = message.topic === this.ownTopic;
    // A retained message was there before the request.
    if (message.retain) return own;
    const { correlationData } = message.properties;
    const expected =
      correlationData === undefined ? undefined : this.#byCorrelation.get(keyOf(correlationData));
    if (expected?.topic === message.topic) expected.take(message);
    else if (own) this.#late += 1;
    this.#byTopic.get(message.topic)?.(message);
    return own;
  }
}

function keyOf(correlationData: Uint8Array): string {
  return Buffer.from(correlationData).toString("latin1");
}
