import { unlimited, type Budget } from "../budget.ts";
import { timestamp } from "../clock.ts";
import { payloadView, receivedPropertiesView, type ReceivedMessage } from "../mqtt/message.ts";
import type { TopicName } from "../mqtt/topic.ts";
import type { Change, StoredEntry } from "../store/store.ts";
import { OrderedLog, type Entry, type LogBounds, type Position } from "../stream/log.ts";
import type { KeptInbound } from "./kept-inbound.ts";

/** A message that arrived, encoded once. */
export interface MessageEntry extends Entry {
  readonly topic: TopicName;
}

/** Where a log outlives the process: its name in the store, and what writes there. */
export interface MessageKeeping {
  readonly name: string;
  readonly inbound: KeptInbound;
  /** The space of the QoS 2 messages that are not in the log yet. */
  readonly incoming: string;
}

/** What JSON leaves as it is, and terminals and some readers of lines take for more than a character. */
const unruly = /[\u007f-\u009f\u2028\u2029]/;
/** What has left the log leaves the store when it is so many, or so many bytes. */
const trimEvery = 256;
const trimBytes = 1_048_576;

/** The messages that arrived over one connection, in the order in which they did; those kept, when they are. */
export class Messages {
  readonly log: OrderedLog<MessageEntry>;
  readonly keeping: MessageKeeping | null;
  readonly #now: () => number;
  #sequence = 0;
  #untrimmed = { entries: 0, bytes: 0 };
  /** Of the last message: many come within a millisecond, and many to the same topic. */
  #at = { ms: -1, text: "" };
  #topic = { name: "", json: "" };

  /** `epoch` names this log; `now` in epoch milliseconds; of `budget` it takes its bytes. */
  constructor(
    epoch: string,
    bounds: LogBounds,
    now: () => number,
    keeping: MessageKeeping | null = null,
    budget: Budget = unlimited(),
  ) {
    this.log = new OrderedLog(epoch, bounds, budget);
    this.#now = now;
    this.keeping = keeping;
  }

  /** `changes` are kept along with the message, all or nothing; `failed` is called when they are not. */
  append(message: ReceivedMessage, changes: readonly Change[] = [], failed?: () => void): void {
    const data = this.#json(message);
    const { topic } = message;
    if (this.keeping === null) {
      this.#sequence += 1;
      this.#place(this.#sequence, topic, data);
      return;
    }
    const { name, inbound } = this.keeping;
    const append: Change = { type: "append", logs: [name], data };
    const all = [append, ...changes, ...this.#trim(name, data.length)];
    inbound.add(all, data.length, ([position = 0]) => this.#place(position, topic, data), failed);
  }

  /** Fills the log with what was kept of it. */
  fill(entries: readonly StoredEntry[]): void {
    for (const { position, data } of entries) {
      const { topic } = JSON.parse(`{${data}`) as { topic: TopicName };
      this.#place(position, topic, data);
    }
  }

  /** The message with this id; null when it has gone, or never was. */
  find(id: string): MessageEntry | null {
    const resumption = this.log.resume(id);
    if (!resumption.ok) return null;
    const [entry] = this.log.readAfter(resumption.after - 1, 1) ?? [];
    return entry?.sequence === resumption.after ? entry : null;
  }

  #place(sequence: Position, topic: TopicName, data: string): void {
    this.log.append({ sequence, type: "message", json: `{"id":"${this.log.idOf(sequence)}",${data}`, topic });
  }

  #trim(log: string, bytes: number): Change[] {
    const untrimmed = this.#untrimmed;
    untrimmed.entries += 1;
    untrimmed.bytes += bytes;
    if (untrimmed.entries < trimEvery && untrimmed.bytes < trimBytes) return [];
    this.#untrimmed = { entries: 0, bytes: 0 };
    return this.log.beginning === 0 ? [] : [{ type: "trim", log, through: this.log.beginning }];
  }

  /** What `JSON.stringify({ at, ...messageView(message) })` gives behind its brace, in a fraction of its time. */
  #json({ topic, payload, qos, retain, dup, properties }: ReceivedMessage): string {
    const ms = this.#now();
    if (ms !== this.#at.ms) this.#at = { ms, text: timestamp(ms) };
    if (topic !== this.#topic.name) this.#topic = { name: topic, json: JSON.stringify(topic) };
    const shown = payloadView(payload);
    const rest = JSON.stringify(receivedPropertiesView(properties));
    return tame(
      `"at":"${this.#at.text}","topic":${this.#topic.json},"payload":${JSON.stringify(shown.payload)},` +
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
