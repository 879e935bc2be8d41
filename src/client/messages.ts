import type { GapEvent, MessageEvent } from "./event.ts";
import { path, type CallOptions, type Http } from "./http.ts";
import { liveStream, type Persistence } from "./live-stream.ts";
import type { Message, QoS } from "./message.ts";

export interface MessagesOptions extends CallOptions {
  /** The id to go on after; `earliest` for all that is kept, `latest` for none of it. */
  readonly after?: string;
  /** A topic filter: others are left out. */
  readonly topic?: string;
  /** Messages on a page: 100 unless told, 1,000 at most. */
  readonly limit?: number;
}

export interface MessagePage {
  readonly items: readonly Message[];
  /** The `after` of the next page, whether there is something on it yet or not. */
  readonly next: string;
  /** Where some of what was asked for is not kept any more. */
  readonly gap?: Omit<GapEvent, "type">;
}

export interface MessageStreamOptions extends CallOptions {
  /** The id to go on after; `earliest` for all that is kept; without, from now on. */
  readonly after?: string;
  /** A topic filter: others are left out. */
  readonly topic?: string;
  /** A topic filter that is subscribed to for as long as the stream is open. */
  readonly subscribe?: string;
  /** Of `subscribe`; 0 unless told. */
  readonly qos?: QoS;
}

/** `…/messages`: what arrived on the subscriptions of one connection. Reading removes nothing. */
export class Messages {
  readonly #http: Http;
  readonly #path: string;
  readonly #persistence: Persistence;

  constructor(http: Http, id: string, persistence: Persistence) {
    this.#http = http;
    this.#path = path`/connections/${id}/messages`;
    this.#persistence = persistence;
  }

  /** One page; with `wait` (seconds), it waits so long for something to be on it. */
  page({ signal, ...query }: MessagesOptions & { readonly wait?: number } = {}): Promise<MessagePage> {
    return this.#http.json("GET", this.#path, { query, signal });
  }

  /** What is kept now, page after page as it is asked for, to its end. A gap comes in its place. */
  async *kept(options: MessagesOptions = {}): AsyncGenerator<MessageEvent, void> {
    for (let after = options.after; ;) {
      const page = await this.page({ ...options, ...(after === undefined ? {} : { after }) });
      if (page.gap !== undefined) yield { type: "gap", ...page.gap };
      for (const message of page.items) yield { type: "message", ...message };
      if (page.items.length === 0) return;
      after = page.next;
    }
  }

  /**
   * Messages as they arrive. A stream that is lost is opened again after the last message that was taken; what is not
   * kept any more is told by `gap`. Ends when `signal` aborts; when the connection is deleted it throws, 404.
   */
  stream(options: MessageStreamOptions = {}): AsyncGenerator<MessageEvent, void> {
    const { after, signal, ...query } = options;
    const live = { query: { ...query }, after, signal };
    // The server's contract; what it sends is not looked at again.
    return liveStream(this.#http, this.#path, live, this.#persistence) as AsyncGenerator<MessageEvent, void>;
  }
}
