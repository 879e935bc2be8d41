import { checkHost } from "../request/target.ts";

/** Where deliveries go, taken apart. */
export interface Endpoint {
  readonly secure: boolean;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** What stands in `Host`. */
  readonly authority: string;
}

export type ParsedEndpoint =
  | { readonly ok: true; readonly endpoint: Endpoint }
  | { readonly ok: false; readonly detail: string };

/** Reads the URL of an endpoint. Its text is never repeated in `detail`: paths and queries of webhooks hold keys. */
export function parseEndpoint(text: string): ParsedEndpoint {
  const wrong = (detail: string): ParsedEndpoint => ({ ok: false, detail });
  // The URL parser would strip tabs, line ends and leading blanks; a caller who sends them has made a mistake.
  if (/[\u0000-\u0020\u007f]/.test(text)) return wrong("a URL has no spaces or control characters");
  if (!/^https?:\/\//i.test(text)) return wrong("expected a URL that begins with http:// or https://");
  if (!URL.canParse(text)) return wrong("not a valid URL; expected https://host[:port][/path]");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "")
    return wrong("credentials have no place in it; deliveries are signed");
  if (text.includes("#")) return wrong("a fragment (#…) has no meaning here");
  const host = checkHost(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  if (!host.ok) return host;
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  if (port === 0) return wrong("port 0 cannot be connected to; expected 1 to 65535");
  return {
    ok: true,
    endpoint: { secure, host: host.value, port, path: url.pathname + url.search, authority: url.host },
  };
}

/** Host and port, for logs: no path, which may be the endpoint's only secret. */
export function displayEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
