/** Bytes that are no proper request, or hide a second one, and what may be answered. */
export interface Abuse {
  readonly name: string;
  readonly bytes: string | Uint8Array;
  /** Statuses that may be answered besides 4xx. */
  readonly allowed?: readonly number[];
}

const host = "Host: localhost\r\n";
const get = `GET /healthz HTTP/1.1\r\n${host}`;
/** What must not be answered when it stands in what is another request's body, or its head. */
const smuggled = `GET /version HTTP/1.1\r\n${host}\r\n`;
const post = `POST /connections HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
const chunkedPost = `${post}Transfer-Encoding: chunked\r\n`;
const many = Array.from({ length: 10_000 }, (_, n) => `X-${n}: a\r\n`).join("");

export const abuses: readonly Abuse[] = [
  { name: "two Host headers", bytes: `${get}Host: other.example\r\n\r\n` },
  { name: "two Host headers, the same", bytes: `${get}${host}\r\n` },
  { name: "no Host", bytes: "GET /healthz HTTP/1.1\r\n\r\n" },
  { name: "an empty Host", bytes: "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n" },
  { name: "Host with a path", bytes: "GET /healthz HTTP/1.1\r\nHost: localhost/../x\r\n\r\n" },
  {
    name: "Content-Length with Transfer-Encoding",
    bytes: `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  },
  {
    name: "Transfer-Encoding with Content-Length",
    bytes: `${chunkedPost}Content-Length: ${smuggled.length + 5}\r\n\r\n0\r\n\r\n${smuggled}`,
  },
  {
    name: "two Content-Lengths",
    bytes: `${post}Content-Length: 2\r\nContent-Length: ${smuggled.length + 2}\r\n\r\n{}${smuggled}`,
  },
  { name: "a list of Content-Lengths", bytes: `${post}Content-Length: 2, 30\r\n\r\n{}${smuggled}` },
  { name: "a negative Content-Length", bytes: `${post}Content-Length: -1\r\n\r\n${smuggled}` },
  { name: "a signed Content-Length", bytes: `${post}Content-Length: +2\r\n\r\n{}${smuggled}` },
  { name: "a hexadecimal Content-Length", bytes: `${post}Content-Length: 0x2\r\n\r\n{}${smuggled}` },
  {
    name: "a Content-Length without bounds",
    bytes: `${post}Content-Length: 99999999999999999999999\r\n\r\n{}${smuggled}`,
  },
  {
    name: "Transfer-Encoding twice",
    bytes: `${chunkedPost}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
  },
  {
    name: "an unknown Transfer-Encoding",
    bytes: `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  },
  {
    name: "a space before the colon of Transfer-Encoding",
    bytes: `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  },
  { name: "bare LF", bytes: "GET /healthz HTTP/1.1\nHost: localhost\n\n", allowed: [200, 505] },
  { name: "bare CR in a value", bytes: `${get}X: a\rb\r\n\r\n` },
  { name: "obs-fold", bytes: `${get}X: a\r\n b\r\n\r\n` },
  { name: "a field that begins with a space", bytes: `GET /healthz HTTP/1.1\r\n X: a\r\n${host}\r\n` },
  { name: "NUL in a value", bytes: `${get}X: a\0b\r\n\r\n` },
  { name: "a control character in a value", bytes: `${get}X: a\u0001b\r\n\r\n` },
  { name: "a space in a name", bytes: `${get}X y: a\r\n\r\n` },
  { name: "an empty name", bytes: `${get}: a\r\n\r\n` },
  { name: "a field without a colon", bytes: `${get}nonsense\r\n\r\n` },
  { name: "a bad chunk size", bytes: `${chunkedPost}\r\nzz\r\n{}\r\n0\r\n\r\n${smuggled}` },
  { name: "a negative chunk size", bytes: `${chunkedPost}\r\n-1\r\n{}\r\n0\r\n\r\n${smuggled}` },
  {
    name: "a chunk size that overflows",
    bytes: `${chunkedPost}\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n${smuggled}`,
  },
  { name: "a chunk longer than it says", bytes: `${chunkedPost}\r\n2\r\n{}}}\r\n0\r\n\r\n${smuggled}` },
  {
    name: "chunk extensions without end",
    bytes: `${chunkedPost}\r\n2;${"x".repeat(100_000)}\r\n{}\r\n0\r\n\r\n`,
  },
  { name: "a huge header", bytes: `${get}X: ${"a".repeat(1_048_576)}\r\n\r\n` },
  { name: "10,000 headers", bytes: `${get}${many}\r\n` },
  { name: "a request line of 1 MB", bytes: `GET /${"a".repeat(1_048_576)} HTTP/1.1\r\n${host}\r\n` },
  { name: "HTTP/0.9", bytes: "GET /healthz\r\n\r\n", allowed: [505] },
  { name: "HTTP/1.0 without Host", bytes: "GET /healthz HTTP/1.0\r\n\r\n" },
  { name: "HTTP/2.0 by name", bytes: `GET /healthz HTTP/2.0\r\n${host}\r\n`, allowed: [505] },
  { name: "HTTP/9.9", bytes: `GET /healthz HTTP/9.9\r\n${host}\r\n`, allowed: [505] },
  { name: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
  { name: "a TLS hello", bytes: Buffer.from(`160301020001${"00".repeat(600)}`, "hex") },
  { name: "noise", bytes: Buffer.from(Array.from({ length: 4_096 }, (_, n) => (n * 167 + 13) % 256)) },
  { name: "an MQTT CONNECT", bytes: Buffer.from("101000044d5154540502003c03210014000161", "hex") },
  { name: "line breaks only", bytes: "\r\n".repeat(1_000) },
  { name: "a space in the target", bytes: `GET /health z HTTP/1.1\r\n${host}\r\n`, allowed: [505] },
  { name: "a target without a slash", bytes: `GET healthz HTTP/1.1\r\n${host}\r\n` },
  { name: "authority-form", bytes: `GET localhost:80 HTTP/1.1\r\n${host}\r\n` },
  { name: "CONNECT", bytes: `CONNECT broker.example:1883 HTTP/1.1\r\n${host}\r\n` },
  { name: "TRACE", bytes: `TRACE /healthz HTTP/1.1\r\n${host}\r\n` },
  { name: "an invented method", bytes: `BREW /healthz HTTP/1.1\r\n${host}\r\n` },
  { name: "a lower-case method", bytes: `get /healthz HTTP/1.1\r\n${host}\r\n` },
  {
    name: "an absolute-form target of another host",
    bytes: `GET http://other.example/healthz HTTP/1.1\r\nHost: other.example\r\n\r\n`,
  },
  // Legal, and not more than what they ask for.
  { name: "absolute-form", bytes: `GET http://localhost/healthz HTTP/1.1\r\n${host}\r\n`, allowed: [200] },
  {
    name: "an upgrade to WebSocket",
    bytes: `${get}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    allowed: [200],
  },
  {
    name: "an upgrade to HTTP/2",
    bytes: `${get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    allowed: [200],
  },
];
