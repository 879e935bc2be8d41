import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { Answer, TestApp } from "./app.ts";

type Call = TestApp["call"];

/** `POST /connections/home/publish` with the body as payload. */
export function publish(
  { call }: { readonly call: Call },
  topic: string,
  payload: string,
  query = "",
): Promise<Answer> {
  const path = `/connections/home/publish?topic=${encodeURIComponent(topic)}${query}`;
  return call("POST", path, payload, { "content-type": "text/plain" });
}

/** The same with a JSON body. */
export function publishJson(
  { call }: { readonly call: Call },
  body: object | string,
  query = "",
): Promise<Answer> {
  return call("POST", `/connections/home/publish${query}`, body);
}

/** Publishes bytes as they are. */
export async function publishBytes(
  app: TestApp,
  topic: string,
  payload: Uint8Array<ArrayBuffer>,
  query = "",
): Promise<Answer> {
  const response = await fetch(
    `${app.url}/connections/home/publish?topic=${encodeURIComponent(topic)}${query}`,
    { method: "POST", body: payload, headers: { "content-type": "application/octet-stream" } },
  );
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === "" ? null : JSON.parse(text),
  };
}

/** `POST /connections/home/subscriptions`. */
export function subscribe(
  { call }: { readonly call: Call },
  topicFilter: string,
  options: object = {},
  query = "",
): Promise<Answer> {
  return call("POST", `/connections/home/subscriptions${query}`, { topicFilter, ...options });
}

/** The address of one subscription of `home`. */
export const subscriptionPath = (topicFilter: string): string =>
  `/connections/home/subscriptions/${encodeURIComponent(topicFilter)}`;

/** The filters that `GET /connections/home/subscriptions` lists. */
export async function subscribedFilters({ call }: { readonly call: Call }): Promise<string[]> {
  const { status, body, text } = await call("GET", "/connections/home/subscriptions");
  if (status !== 200) throw new Error(text);
  return body.items.map(({ topicFilter }: { topicFilter: string }) => topicFilter);
}

/** A message as it stands in JSON, untyped on purpose. */
// oxlint-disable-next-line no-explicit-any
export type MessageView = any;

/** The first `count` messages of `home` after `cursor`, waiting for those that have yet to arrive. */
export async function messages(
  { call }: { readonly call: Call },
  count: number,
  cursor = "",
): Promise<MessageView[]> {
  const items: MessageView[] = [];
  let next = cursor;
  while (items.length < count) {
    const after = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
    const { status, body, text } = await call("GET", `/connections/home/messages?wait=20&limit=100${after}`);
    if (status !== 200) throw new Error(text);
    if (body.gap !== undefined) throw new Error(`a gap: ${JSON.stringify(body.gap)}`);
    if (body.items.length === 0) throw new Error(`${items.length} messages came, where ${count} were wanted`);
    items.push(...body.items);
    next = body.next;
  }
  return items;
}

/** The bytes behind a message's address. */
export async function payloadBytes(app: TestApp, id: string): Promise<{ headers: Headers; bytes: Buffer }> {
  const response = await fetch(`${app.url}/connections/home/messages/${encodeURIComponent(id)}/payload`);
  if (response.status !== 200) throw new Error(await response.text());
  return { headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** The bytes that a message's `payload` stands for. */
export function decoded({ payload, payloadEncoding }: MessageView): Buffer {
  return Buffer.from(payload, payloadEncoding === "base64" ? "base64" : "utf8");
}

/** What a stream of messages has brought so far. */
export interface MessageStream extends AsyncDisposable {
  readonly seen: readonly MessageView[];
  /** Resolves when so many of this type have come; rejects when the stream ends before. */
  until(count: number, type?: string): Promise<MessageView[]>;
  readonly ended: Promise<void>;
}

/** Opens `GET /connections/{id}/messages` as SSE or NDJSON, and parses it by somebody else's rules. */
export async function readMessages(
  app: Pick<TestApp, "url">,
  format: "sse" | "ndjson",
  query = "",
  headers: Record<string, string> = {},
  id = "home",
): Promise<MessageStream> {
  const controller = new AbortController();
  const accept = format === "sse" ? "text/event-stream" : "application/x-ndjson";
  const response = await fetch(`${app.url}/connections/${id}/messages${query}`, {
    headers: { accept, ...headers },
    signal: controller.signal,
  });
  if (response.status !== 200) throw new Error(await response.text());
  const seen: MessageView[] = [];
  let over = false;
  let wake: () => void = () => {};
  const sse = createParser({
    onEvent: ({ id: eventId, event, data }: EventSourceMessage) =>
      seen.push({ type: event ?? "message", eventId, ...JSON.parse(data) }),
  });
  let rest = "";
  const feed = (text: string) => {
    if (format === "sse") return sse.feed(text);
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const each of lines) if (each !== "") seen.push(JSON.parse(each));
  };
  let wrong: unknown;
  const ended = (async () => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
    try {
      for await (const chunk of response.body ?? []) {
        try {
          feed(decoder.decode(chunk, { stream: true }));
        } catch (error) {
          wrong ??= error;
        }
        wake();
      }
    } catch {
      // Hung up, by either side.
    }
    over = true;
    wake();
  })();
  return {
    seen,
    ended,
    async until(count, type = "message") {
      for (;;) {
        if (wrong !== undefined) throw wrong;
        const found = seen.filter((each) => each.type === type);
        if (found.length >= count) return found;
        if (over)
          throw new Error(
            `the stream ended after ${found.length} of ${count} of the type ${type}; ${seen.length} in all`,
          );
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  };
}
