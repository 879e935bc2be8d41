import { createParser } from "eventsource-parser";

/** One event of a stream, its data parsed. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly type: string;
  // oxlint-disable-next-line no-explicit-any
  readonly data: any;
}

/** Reads an SSE response as it comes. */
export interface EventReader extends AsyncDisposable {
  readonly headers: Headers;
  /** All that came, in order. */
  readonly seen: readonly StreamEvent[];
  /** How many comments (heartbeats and the opening) came. */
  readonly comments: () => number;
  /** The next event not yet taken by `next`; rejects when the stream ends before. With a type, others are passed over. */
  next(type?: string): Promise<StreamEvent>;
  /** Resolves when the stream has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Hangs up. */
  close(): void;
}

export function readEvents(response: Response, controller: AbortController): EventReader {
  const seen: StreamEvent[] = [];
  let comments = 0;
  let taken = 0;
  let over = false;
  let wake: () => void = () => {};
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      seen.push({ id, type: event ?? "message", data: JSON.parse(data) });
      wake();
    },
    onComment: () => {
      comments += 1;
    },
  });
  const ended = (async () => {
    // One runtime's decoder takes U+FEFF at the start of a later chunk for a byte order mark, and drops it.
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    try {
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
    } catch {
      // Hung up, by either side.
    }
    over = true;
    wake();
  })();
  const next = async (type?: string): Promise<StreamEvent> => {
    for (;;) {
      const event = seen[taken];
      if (event !== undefined) {
        taken += 1;
        if (type === undefined || event.type === type) return event;
      } else if (over) {
        throw new Error(
          `the stream ended before ${type ?? "another event"}; seen: ${seen.map((e) => e.type).join(", ")}`,
        );
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };
  const close = () => controller.abort();
  return {
    headers: response.headers,
    seen,
    comments: () => comments,
    next,
    ended,
    close,
    [Symbol.asyncDispose]: async () => {
      close();
      await ended;
    },
  };
}
