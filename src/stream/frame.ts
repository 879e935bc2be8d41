import type { Entry, OrderedLog, Position } from "./log.ts";

/** How entries travel: Server-Sent Events (WHATWG HTML §9.2), or a JSON text a line. */
export type StreamFormat = "sse" | "ndjson";

/** What an entry is written as: the data of an event, or a line. Either is the JSON of an object, without line ends. */
export interface EntryForm<E extends Entry = Entry> {
  readonly data: (entry: E) => string;
  readonly line: (entry: E) => string;
}

const jsonOf = (entry: Entry) => entry.json;

/** For entries whose JSON names its type. */
export const typedForm: EntryForm = { data: jsonOf, line: jsonOf };

/** For entries whose JSON does not name its type, which a line must. `json` makes another one than is kept. */
export function untypedForm<E extends Entry>(json: (entry: E) => string = jsonOf): EntryForm<E> {
  return { data: json, line: (entry) => withType(entry.type, json(entry)) };
}

function withType(type: string, json: string): string {
  const member = `{"type":${JSON.stringify(type)}`;
  return json === "{}" ? `${member}}` : `${member},${json.slice(1)}`;
}

/** Frames in one piece, and where a reader is that has them. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly through: Position;
}

interface KeptBatch extends Batch {
  readonly log: OrderedLog;
  readonly format: StreamFormat;
  readonly after: Position;
}

/** Bounds of a batch; an entry that is larger alone is one all the same. */
const batchEntries = 1_024;
const batchLength = 262_144;
/** Readers of a log are mostly in the same place, and the rest a batch or two behind. */
const keptBatches = 8;
const keptFrameBytes = 1_048_576;

const encoder = new TextEncoder();

/** Entries of any number of logs in one form, encoded once for the readers that come soon after one another. */
export class FrameCache<E extends Entry = Entry> {
  readonly #form: EntryForm<E>;
  readonly #hasIds: boolean;
  /** The newest first. */
  readonly #batches: KeptBatch[] = [];
  readonly #frames = { sse: new Map<Entry, Uint8Array>(), ndjson: new Map<Entry, Uint8Array>() };
  #frameBytes = 0;

  /** Without ids in the frames of events, a reader keeps the last id that it has: that of another log. */
  constructor(form: EntryForm<E> = typedForm, hasIds = true) {
    this.#form = form;
    this.#hasIds = hasIds;
  }

  /** One entry, for readers that do not want all. */
  frame(entry: E, format: StreamFormat, id: string): Uint8Array {
    let bytes = this.#frames[format].get(entry);
    if (bytes === undefined) {
      bytes = encoder.encode(this.#text(entry, format, id));
      this.#keep(entry, format, bytes);
    }
    return bytes;
  }

  /**
   * The entries after a position that is not the tail, or as many of them as make a batch: the same bytes for all
   * readers there. Null when some are gone already.
   */
  batchAfter(log: OrderedLog<E>, after: Position, format: StreamFormat): Batch | null {
    for (const batch of this.#batches)
      if (batch.after === after && batch.log === log && batch.format === format) return batch;
    const entries = nextEntries(log, after);
    const last = entries?.at(-1);
    if (entries === null || last === undefined) return null;
    // Encoding one long text takes a fraction of the time of joining many pieces.
    const texts = entries.map((entry) => this.#text(entry, format, log.idOf(entry.sequence)));
    const batch = { log, format, after, through: last.sequence, bytes: encoder.encode(texts.join("")) };
    this.#batches.unshift(batch);
    if (this.#batches.length > keptBatches) this.#batches.pop();
    return batch;
  }

  #text(entry: E, format: StreamFormat, id: string): string {
    return format === "sse"
      ? sseFrame(entry.type, this.#form.data(entry), this.#hasIds ? id : undefined)
      : `${this.#form.line(entry)}\n`;
  }

  #keep(entry: E, format: StreamFormat, bytes: Uint8Array): void {
    this.#frameBytes += bytes.length;
    if (this.#frameBytes > keptFrameBytes) {
      for (const frames of Object.values(this.#frames)) frames.clear();
      this.#frameBytes = bytes.length;
    }
    this.#frames[format].set(entry, bytes);
  }
}

/** As many entries after a position as make a batch; null when some are gone already. */
export function nextEntries<E extends Entry>(log: OrderedLog<E>, after: Position): readonly E[] | null {
  const entries = log.readAfter(after, batchEntries);
  if (entries === null) return null;
  let length = 0;
  const end = entries.findIndex(({ json }, index) => (length += json.length) > batchLength && index > 0);
  return end === -1 ? entries : entries.slice(0, end);
}

/** One event; `json` has no line ends, so one data line carries it. Without an id the reader's last one stands. */
function sseFrame(type: string, json: string, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${type}\ndata: ${json}\n\n`;
}

/** An event that stands in no log: `snapshot`, `gap`, `shutdown`. */
export function controlFrame(
  format: StreamFormat,
  type: string,
  data: Readonly<Record<string, unknown>>,
  id?: string,
): Uint8Array {
  const json = JSON.stringify({ ...(id === undefined ? {} : { id }), type, ...data });
  return encoder.encode(format === "sse" ? sseFrame(type, json, id) : `${json}\n`);
}

/** The first bytes of a stream: they open the way through proxies, and tell EventSource how soon to come back. */
export function openingFrame(format: StreamFormat, at: string): Uint8Array {
  return encoder.encode(
    format === "sse" ? `retry: 2000\n: connack\n\n` : `${JSON.stringify({ type: "open", at })}\n`,
  );
}

/** Sent when nothing else is: in SSE with the id of what has been looked through, so that a filtered reader resumes there. */
export function heartbeatFrame(format: StreamFormat, at: string, id: string | null): Uint8Array {
  if (format === "ndjson") return encoder.encode(`${JSON.stringify({ type: "keepalive", at })}\n`);
  return encoder.encode(id === null ? ": heartbeat\n\n" : `: heartbeat\nid: ${id}\n\n`);
}
