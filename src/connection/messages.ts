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

  /** `epoch` names this log; `now` in epoch milliseconds. */
  constructor(epoch: string, bounds: LogBounds, now: () => number) {
    this.log = new OrderedLog(epoch, bounds);
    this.#now = now;
  }

  append(message: ReceivedMessage): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const json = messageJson(message, this.log.idOf(sequence), timestamp(this.#now()));
    this.log.append({ sequence, type: "message", json, topic: message.topic });
  }

  /** The message with this id; null when it has gone, or never was. */
  find(id: string): MessageEntry | null {
    const resumption = this.log.resume(id);
    if (!resumption.ok) return null;
    const [entry] = this.log.readAfter(resumption.after - 1, 1) ?? [];
    return entry?.sequence === resumption.after ? entry : null;
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

function messageJson(message: ReceivedMessage, id: string, at: string): string {
  return tame(JSON.stringify({ id, at, ...messageView(message) }));
}

/** JSON text with those characters escaped. */
export function tame(json: string): string {
  return unruly.test(json) ? json.replaceAll(new RegExp(unruly, "g"), escape) : json;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
