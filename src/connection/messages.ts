import { timestamp } from "../clock.ts";
import { payloadView, receivedPropertiesView, type ReceivedMessage } from "../mqtt/message.ts";
import type { TopicName } from "../mqtt/topic.ts";
import { OrderedLog, type Entry, type LogBounds } from "../stream/log.ts";

/** A message that arrived, encoded once. */
export interface MessageEntry extends Entry {
  readonly topic: TopicName;
}

/** What JSON leaves as it is, and terminals and some readers of lines take for more than a character. */
const unruly = /[\u007f-\u009f\u2028\u2029]/;

/** The messages that arrived over one connection, in the order in which they did. */
export class Messages {
  readonly log: OrderedLog<MessageEntry>;
  readonly #now: () => number;
  #sequence = 0;
  /** Of the last message: many come within a millisecond, and many to the same topic. */
  #at = { ms: -1, text: "" };
  #topic = { name: "", json: "" };

  /** `epoch` names this log; `now` in epoch milliseconds. */
  constructor(epoch: string, bounds: LogBounds, now: () => number) {
    this.log = new OrderedLog(epoch, bounds);
    this.#now = now;
  }

  append(message: ReceivedMessage): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const json = this.#json(message, this.log.idOf(sequence));
    this.log.append({ sequence, type: "message", json, topic: message.topic });
  }

  /** The message with this id; null when it has gone, or never was. */
  find(id: string): MessageEntry | null {
    const resumption = this.log.resume(id);
    if (!resumption.ok) return null;
    const [entry] = this.log.readAfter(resumption.after - 1, 1) ?? [];
    return entry?.sequence === resumption.after ? entry : null;
  }

  /** What `JSON.stringify({ id, at, ...messageView(message) })` gives, in a fraction of its time. */
  #json({ topic, payload, qos, retain, dup, properties }: ReceivedMessage, id: string): string {
    const ms = this.#now();
    if (ms !== this.#at.ms) this.#at = { ms, text: timestamp(ms) };
    if (topic !== this.#topic.name) this.#topic = { name: topic, json: JSON.stringify(topic) };
    const shown = payloadView(payload);
    const rest = JSON.stringify(receivedPropertiesView(properties));
    return tame(
      `{"id":"${id}","at":"${this.#at.text}","topic":${this.#topic.json},"payload":${JSON.stringify(shown.payload)},` +
        `"payloadEncoding":"${shown.payloadEncoding}","qos":${qos},"retain":${retain},"dup":${dup},"properties":${rest}}`,
    );
  }
}

/** A message as readers see it. */
export function messageView(message: ReceivedMessage): Record<string, unknown> {
  const { topic, payload, qos, retain, dup, properties } = message;
  return {
    topic,
    ...payloadView(payload),
    qos,
    retain,
    dup,
    properties: receivedPropertiesView(properties),
  };
}

/** JSON text with those characters escaped. */
export function tame(json: string): string {
  return unruly.test(json) ? json.replaceAll(new RegExp(unruly, "g"), escape) : json;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
