import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";

/** How packets travel: MQTT over TCP, TLS, WebSocket, or WebSocket over TLS. */
export type Transport = "tcp" | "tls" | "ws" | "wss";

/** Where a broker is. `host` is a name or an address without brackets; `path` (with its query) is for ws and wss. */
export interface Target {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export const defaultPorts: Readonly<Record<Transport, number>> = { tcp: 1883, tls: 8883, ws: 80, wss: 443 };
const schemes: Readonly<Record<string, Transport>> = {
  "mqtt:": "tcp",
  "mqtts:": "tls",
  "ws:": "ws",
  "wss:": "wss",
};

export type ParsedUrl =
  | {
      readonly ok: true;
      readonly target: Target;
      readonly username: string | undefined;
      readonly password: string | undefined;
    }
  | { readonly ok: false; readonly detail: string };

/** Reads a broker URL. Its text is never repeated in `detail`, for it may hold credentials. */
export function parseBrokerUrl(text: string): ParsedUrl {
  const wrong = (detail: string): ParsedUrl => ({ ok: false, detail });
  // The URL parser would strip tabs, line ends and leading blanks; a caller who sends them has made a mistake.
  if (/[\u0000-\u0020\u007f]/.test(text)) return wrong("a URL has no spaces or control characters");
  const scheme = /^[a-z]+:(?=\/\/)/i.exec(text)?.[0].toLowerCase();
  const transport = scheme === undefined ? undefined : schemes[scheme];
  if (transport === undefined)
    return wrong("expected a URL that begins with mqtt://, mqtts://, ws:// or wss://");
  if (!URL.canParse(text))
    return wrong("not a valid URL; expected scheme://host[:port][/path], port 1 to 65535");
  const url = new URL(text);
  if (url.hash !== "") return wrong("a fragment (#…) has no meaning here");
  const websocket = transport === "ws" || transport === "wss";
  if (!websocket && (url.search !== "" || (url.pathname !== "" && url.pathname !== "/"))) {
    return wrong("a path or query has a meaning only with ws:// and wss://");
  }
  const host = checkHost(decoded(url.hostname).replace(/^\[(.*)\]$/, "$1"));
  if (!host.ok) return host;
  const port = url.port === "" ? defaultPorts[transport] : Number(url.port);
  if (port === 0) return wrong("port 0 cannot be connected to; expected 1 to 65535");
  try {
    return {
      ok: true,
      target: { transport, host: host.value, port, path: websocket ? url.pathname + url.search : "" },
      username: url.username === "" ? undefined : decodeURIComponent(url.username),
      password: url.password === "" ? undefined : decodeURIComponent(url.password),
    };
  } catch {
    return wrong("the credentials are not percent-encoded UTF-8");
  }
}

/** The URL parser percent-encodes a non-ASCII name where it does not know the scheme. */
function decoded(hostname: string): string {
  try {
    return decodeURIComponent(hostname);
  } catch {
    return hostname;
  }
}

/** Checks a host: a DNS name (non-ASCII ones become Punycode, RFC 5891), an IPv4 or an IPv6 address. */
export function checkHost(text: string): { ok: true; value: string } | { ok: false; detail: string } {
  const wrong = (detail: string) => ({ ok: false, detail }) as const;
  if (text === "") return wrong("a host is needed");
  if (text.includes("://")) return wrong("expected a host alone; give a whole URL as url");
  if (ipaddr.IPv6.isValid(text)) return { ok: true, value: text.toLowerCase() };
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(text))
    return wrong("expected a host name or address, without port, path, spaces or brackets");
  const ascii = domainToASCII(text);
  if (ascii === "") return wrong("not a valid host name");
  if (ascii.length > 253) return wrong(`a host name has at most 253 characters, not ${ascii.length}`);
  if (ascii.split(".").some((label) => label.length > 63))
    return wrong("a label of a host name has at most 63 characters");
  return { ok: true, value: ascii };
}

const schemeOf: Readonly<Record<Transport, string>> = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" };

/** The target as a URL for people: no credentials, and no query, which may hold a signature. */
export function displayUrl({ transport, host, port, path }: Target): string {
  const query = path.indexOf("?");
  const shownPath = query === -1 ? path : `${path.slice(0, query)}?***`;
  return `${schemeOf[transport]}://${host.includes(":") ? `[${host}]` : host}:${port}${shownPath === "/" ? "" : shownPath}`;
}
