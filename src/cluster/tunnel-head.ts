/** What comes before a body: of a request `method` and `url`, of an answer `status`. */
export interface Head {
  readonly method?: string;
  /** With scheme, host and query. */
  readonly url?: string;
  /** Who called, in words that only the ends know. */
  readonly caller?: string;
  /** So long the caller waits for the head of the answer, in milliseconds. */
  readonly withinMs?: number;
  /** How much of the answer the caller takes before it gives credit. */
  readonly window?: number;
  readonly status?: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Whether there is a body, and if so, whether all of it comes along with the head. */
  readonly body: Body;
}

export type Body = "none" | "whole" | "more";

/** Of one network connection, not of the call (RFC 9110 §7.6.1). */
const hopByHop = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization"],
]);

/** An answer with one of these has no body, and may not be given one (RFC 9110 §6.4.1). */
const bodiless = new Set([204, 205, 304]);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const text = "string";

/** All that are of the call, repeated ones (`Set-Cookie`) one by one. */
export function endToEnd(headers: Headers): [string, string][] {
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = named.length === 1 && named[0] === "" ? hopByHop : hopByHop.union(new Set(named));
  return [...headers].filter(([name]) => !dropped.has(name));
}

/** Whether what is read is the head of something; whether it can be a request's or an answer's is for who makes that of it. */
export function asHead(value: unknown): Head | null {
  if (typeof value !== "object" || value === null) return null;
  const { method, url, caller, withinMs, window, status, headers, body } = value as Record<string, unknown>;
  if (![method, url, caller].every((each) => each === undefined || typeof each === text)) return null;
  if (![withinMs, window, status].every((each) => each === undefined || isCount(each))) return null;
  if (body !== "none" && body !== "whole" && body !== "more") return null;
  return Array.isArray(headers) && headers.every(isField) ? (value as Head) : null;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** HTTP forbids others, and they would be somebody's way to slip in a header or an answer. */
function isField(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, content] = value as unknown[];
  return typeof name === text && token.test(String(name)) && isFieldValue(content);
}

function isFieldValue(value: unknown): boolean {
  return typeof value === "string" && fieldValue.test(value);
}

type Content = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;

/** Null where it is none that a server could have got. */
export function toRequest(
  { method, url, headers, body }: Head,
  content: Content,
  signal: AbortSignal,
): Request | null {
  if (method === undefined || !token.test(method)) return null;
  if (url === undefined || !/^https?:\/\//.test(url)) return null;
  const isEmpty = body === "none";
  if (!isEmpty && (method === "GET" || method === "HEAD")) return null;
  try {
    return new Request(url, {
      method,
      headers: toHeaders(headers),
      signal,
      ...(isEmpty ? {} : { body: content, duplex: "half" }),
    });
  } catch {
    return null;
  }
}

/** Null where it is none that can be passed on. */
export function toResponse({ status, headers, body }: Head, content: Content): Response | null {
  if (status === undefined || status < 200 || status > 599) return null;
  if (bodiless.has(status) && body !== "none") return null;
  const own = toHeaders(headers);
  // Of what is whole the server of HTTP counts the bytes itself.
  if (body === "whole") own.delete("content-length");
  return new Response(body === "none" ? null : content, { status, headers: own });
}

/** Whether there is anything to send of the answer's body. */
export function hasBody(method: string, { status, body }: Response): boolean {
  return body !== null && method !== "HEAD" && !bodiless.has(status);
}

/** What `Content-Length` promises; null where it promises nothing. */
export function announcedLength({ headers, body }: Head): number | null {
  if (body === "none") return null;
  const value = headers.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  return value === undefined || !/^\d{1,15}$/.test(value) ? null : Number(value);
}

/** Whether a reader takes the end for an accident anyway, and carries on from the last event it has. */
export function isEventStream({ headers }: Head): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === "content-type" && /^text\/event-stream\b/i.test(value),
  );
}

function toHeaders(fields: Head["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}
