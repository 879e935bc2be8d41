import type { ReceivedMessage } from "../mqtt/message.ts";
import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import type { Link } from "./link.ts";
import type { Subscriptions } from "./subscriptions.ts";

type Take = (message: ReceivedMessage) => void;

/** Calls that read the retained message of one topic: it comes when the topic is subscribed to (MQTT 5 §3.3.1.3). */
export class RetainedReads {
  readonly #waiting = new Map<TopicName, Set<Take>>();
  /** What ends the subscriptions of calls, until the broker has ended them: another copy may be on its way. */
  readonly #held = new Map<TopicName, Set<() => unknown>>();

  /**
   * Resolves with the message, which may be never: the caller ends it by `over`. `onSubscribed` is called when the
   * broker has answered, and only then does silence mean that there is none.
   */
  async read(
    topic: TopicName,
    subscriptions: Subscriptions,
    link: Link,
    over: AbortSignal,
    onSubscribed: () => void,
  ): Promise<ReceivedMessage> {
    const { promise, resolve } = Promise.withResolvers<ReceivedMessage>();
    const forget = note(this.#waiting, topic, resolve);
    over.addEventListener("abort", forget, { once: true });
    try {
      // A topic name without wildcards is a topic filter too.
      const topicFilter = topic as string as TopicFilter;
      const letGo = await subscriptions.hold({ topicFilter, qos: 1 }, link, over, true);
      onSubscribed();
      // A further copy may be what a subscription that stays has asked for.
      const unnote =
        subscriptions.find(topicFilter) === null ? note(this.#held, topic, letGo) : () => undefined;
      const release = () => void letGo().finally(unnote);
      over.addEventListener("abort", release, { once: true });
      if (over.aborted) release();
      return await promise.finally(release);
    } finally {
      forget();
      over.removeEventListener("abort", forget);
    }
  }

  /** Gives a message to those that wait for it; false when it is not for calls alone. */
  offer(message: ReceivedMessage): boolean {
    if (!message.retain) return false;
    const takes = this.#waiting.get(message.topic);
    // One copy is for all of them: the next may be what a subscription of the same topic has asked for.
    this.#waiting.delete(message.topic);
    for (const take of takes ?? []) take(message);
    return takes !== undefined || this.#held.has(message.topic);
  }
}

/** Adds to the set of a topic; the returned function takes it out again. */
function note<T>(sets: Map<TopicName, Set<T>>, topic: TopicName, item: T): () => void {
  const set = sets.get(topic) ?? new Set();
  sets.set(topic, set.add(item));
  return () => {
    set.delete(item);
    if (set.size === 0 && sets.get(topic) === set) sets.delete(topic);
  };
}
