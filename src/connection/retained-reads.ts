import type { ReceivedMessage } from "../mqtt/message.ts";
import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import type { Link } from "./link.ts";
import type { Subscriptions } from "./subscriptions.ts";

type Take = (message: ReceivedMessage) => void;

/** Calls that read the retained message of one topic: it comes when the topic is subscribed to (MQTT 5 §3.3.1.3). */
export class RetainedReads {
  readonly #waiting = new Map<TopicName, Set<Take>>();

  /** Resolves with the message, which may be never: the caller ends it by `over`. */
  async read(
    topic: TopicName,
    subscriptions: Subscriptions,
    link: Link,
    over: AbortSignal,
  ): Promise<ReceivedMessage> {
    const { promise, resolve } = Promise.withResolvers<ReceivedMessage>();
    const takes = this.#waiting.get(topic) ?? new Set();
    this.#waiting.set(topic, takes.add(resolve));
    const forget = () => {
      takes.delete(resolve);
      if (takes.size === 0) this.#waiting.delete(topic);
    };
    over.addEventListener("abort", forget, { once: true });
    try {
      // A topic name without wildcards is a topic filter too.
      const topicFilter = topic as string as TopicFilter;
      if (await subscriptions.refresh(topicFilter, link)) return await promise;
      const release = await subscriptions.hold({ topicFilter, qos: 1 }, link, over);
      over.addEventListener("abort", release, { once: true });
      if (over.aborted) release();
      return await promise.finally(release);
    } finally {
      forget();
      over.removeEventListener("abort", forget);
    }
  }

  /** Gives a message to those that wait for it; false when nobody does. */
  offer(message: ReceivedMessage): boolean {
    if (!message.retain) return false;
    const takes = this.#waiting.get(message.topic);
    for (const take of takes ?? []) take(message);
    return takes !== undefined;
  }
}
