import type { Entry } from "./log.ts";

/** How events travel: Server-Sent Events (WHATWG HTML §9.2), or a JSON text a line. */
export type StreamFormat = "sse" | "ndjson";

const encoder = new TextEncoder();

/** Bytes of encoded entries, kept as long as the entry itself, so that the second reader costs nothing. */
export class FrameCache {
  readonly #frames = { sse: new WeakMap<Entry, Uint8Array>(), ndjson: new WeakMap<Entry, Uint8Array>() };

  frame(entry: Entry, format: StreamFormat, id: string): Uint8Array {
    const cache = this.#frames[format];
    let bytes = cache.get(entry);
    if (bytes === undefined) {
      bytes = encoder.encode(format === "sse" ? sseFrame(entry.type, entry.json, id) : `${entry.json}\n`);
      cache.set(entry, bytes);
    }
    return bytes;
  }
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
