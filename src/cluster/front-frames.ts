import type { StreamFormat } from "../stream/frame.ts";

/** One frame of a cell's stream, as it came. */
export type Frame =
  /** An event of its log. */
  | { readonly kind: "event"; readonly id: string; readonly type: string; readonly json: string }
  /** What comes in between, and is as it is for the reader of all cells, too: a message of a connection. */
  | { readonly kind: "between"; readonly type: string; readonly json: string }
  /** What stands in no log: `snapshot`, `gap`, `shutdown`, `unauthorized`. */
  | { readonly kind: "control"; readonly id: string | null; readonly type: string; readonly json: string }
  /** The opening, or a heartbeat; the id where it says how far has been looked. */
  | { readonly kind: "idle"; readonly id: string | null };

/** An event is far smaller: what is larger is no stream of ours. */
const mostFrame = 16_777_216;

/**
 * Cuts the stream of a cell into whole frames, wherever its pieces end. Texts are one character a byte, so that what is in
 * UTF-8 comes out as it went in.
 */
export class FrameReader {
  readonly #format: StreamFormat;
  readonly #end: string;
  #rest = "";

  constructor(format: StreamFormat) {
    this.#format = format;
    this.#end = format === "sse" ? "\n\n" : "\n";
  }

  /** @throws {RangeError} where a frame is larger than any can be */
  push(bytes: Uint8Array): Frame[] {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const text = this.#rest === "" ? piece : this.#rest + piece;
    const frames: Frame[] = [];
    let from = 0;
    for (;;) {
      const end = text.indexOf(this.#end, from);
      if (end === -1) break;
      frames.push(
        this.#format === "sse" ? sseFrame(text.slice(from, end)) : lineFrame(text.slice(from, end)),
      );
      from = end + this.#end.length;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length > mostFrame) throw new RangeError("A cell's frame is larger than any can be");
    return frames;
  }
}

/** Where they have ids, these are of the place where the stream begins. */
const controls = new Set(["snapshot", "shutdown", "unauthorized"]);
const idleLines = new Set(["open", "keepalive"]);

function sseFrame(text: string): Frame {
  const [, id = null, type, json] = /^(?:id: ([^\n]*)\n)?event: ([^\n]*)\ndata: ([^\n]*)$/.exec(text) ?? [];
  if (type !== undefined && json !== undefined) return frameOf(id, type, json);
  return { kind: "idle", id: /(?:^|\n)id: ([^\n]*)/.exec(text)?.[1] ?? null };
}

function lineFrame(json: string): Frame {
  const [, id = null, type] = /^\{(?:"id":"([^"\\]*)",)?"type":"([^"\\]*)"/.exec(json) ?? [];
  return type === undefined || idleLines.has(type) ? { kind: "idle", id: null } : frameOf(id, type, json);
}

/** A `gap` with an id is one that stands in the log. */
function frameOf(id: string | null, type: string, json: string): Frame {
  if (controls.has(type)) return { kind: "control", id, type, json };
  if (id !== null) return { kind: "event", id, type, json };
  return type === "gap" ? { kind: "control", id, type, json } : { kind: "between", type, json };
}

/** A frame as it came, without an id. */
export function betweenText({ type, json }: Frame & { kind: "between" }, format: StreamFormat): string {
  return format === "sse" ? `event: ${type}\ndata: ${json}\n\n` : `${json}\n`;
}

/** An event as the reader of all cells gets it: its `id` is where that reader is, and `eventId` its own. */
export function eventText(
  { id, type, json }: Frame & { kind: "event" },
  format: StreamFormat,
  at: string,
): string {
  const beginning = `{"id":"${id}"`;
  const own = json.startsWith(beginning)
    ? `{"id":"${at}","eventId":"${id}"${json.slice(beginning.length)}`
    : json;
  return format === "sse" ? `id: ${at}\nevent: ${type}\ndata: ${own}\n\n` : `${own}\n`;
}

/** What a control frame says. */
export function dataOf({ json }: Frame & { kind: "control" }): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(json, "latin1").toString("utf8")) as Record<string, unknown>;
}
