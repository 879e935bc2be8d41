/** One event of an event stream. */
export interface SseEvent {
  /** The last id of the stream, its own or that of one before it; "" where there was none. */
  readonly id: string;
  /** `message` where the event does not say. */
  readonly type: string;
  readonly data: string;
}

/**
 * Reads an event stream (WHATWG HTML §9.2.6) from bytes, however they are cut. An event that the stream ends in the
 * middle of never comes: its blank line was not seen.
 */
export class SseParser {
  // A later chunk that begins with U+FEFF is text; some decoders drop it there unless told, so that the first is our job.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #started = false;
  /** The last chunk ended with CR, so that an LF at the start of the next one belongs to it. */
  #afterCr = false;
  /** The pieces of a line whose end has not come. */
  #line: string[] = [];
  #data: string[] = [];
  #type = "";
  #pendingId = "";
  #lastId = "";
  #retryMs: number | null = null;

  /** The id to resume after: of the last block that ended, with data or without. */
  get lastId(): string {
    return this.#lastId;
  }

  /** What the stream said last of how soon to come back, in milliseconds; null where it has not. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** The events that end in this chunk. */
  *feed(bytes: Uint8Array): Generator<SseEvent, void> {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (!this.#started && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#started = true;
    let from = this.#afterCr && text.startsWith("\n") ? 1 : 0;
    this.#afterCr = text.endsWith("\r");
    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = from;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      this.#line.push(text.slice(from, end.index));
      from = lineEnd.lastIndex;
      const line = this.#line.join("");
      this.#line = [];
      const event = this.#take(line);
      if (event !== null) yield event;
    }
    if (from < text.length) this.#line.push(text.slice(from));
  }

  #take(line: string): SseEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#pendingId = value;
    else if (name === "retry" && /^\d{1,10}$/.test(value)) this.#retryMs = Number(value);
    return null;
  }

  #dispatch(): SseEvent | null {
    const [data, type] = [this.#data, this.#type];
    this.#data = [];
    this.#type = "";
    this.#lastId = this.#pendingId;
    if (data.length === 0) return null;
    return { id: this.#lastId, type: type === "" ? "message" : type, data: data.join("\n") };
  }
}
