/** Whose a call is. */
export type Destination =
  /** The cell of the connection that `id` names. */
  | "connection"
  /** All cells, or the one where a new connection comes to be. */
  | "connections"
  /** All cells. */
  | "events"
  /** The cell of what belongs to no connection. */
  | "home"
  | "webhooks"
  /** This node. */
  | "node"
  | "any";

export interface Route {
  readonly to: Destination;
  /** Decoded; empty where it is none of one connection. */
  readonly id: string;
}

const connections = "/connections";
const slash = 47;

const plain = (to: Destination): Route => ({ to, id: "" });
const routes: Readonly<Record<Exclude<Destination, "connection">, Route>> = {
  connections: plain("connections"),
  events: plain("events"),
  home: plain("home"),
  webhooks: plain("webhooks"),
  node: plain("node"),
  any: plain("any"),
};

/**
 * Whose a call is, by its URL. By hand, for it stands in front of every call; what it takes for the path and for a
 * connection's id is what the framework in the cell does, which is a matter of `%` alone.
 */
export function routeOf(url: string): Route {
  const start = url.indexOf("/", url.indexOf(":") + 3);
  if (start === -1) return routes.node;
  if (url.startsWith(connections, start)) {
    const from = start + connections.length;
    if (url.charCodeAt(from) === slash) return byId(url, start, from + 1);
  }
  const path = url.slice(start, endOfPath(url, start));
  return path.includes("%") ? decodedRoute(path) : routeOfPath(path);
}

/** What makes a URL of a text takes these for steps between segments, or for "/", and leaves them out. */
const steps = /\/(?:\.|%2e){1,2}(?:[/\\?#]|$)|\\/i;

/**
 * The same call by the URL that the owner of what it is about would see: one runtime gives what stood in the request, and a
 * request that is made of it anew, as on the way to another node, has another path, which may be that of another shard.
 */
export function withoutSteps(request: Request): Request {
  const { url, method, headers, body, signal } = request;
  if (!steps.test(url) || !URL.canParse(url)) return request;
  const content = body === null ? {} : { body, duplex: "half" as const };
  return new Request(new URL(url).href, { method, headers, signal, ...content });
}

function byId(url: string, start: number, from: number): Route {
  for (let i = from; i < url.length; i += 1) {
    const code = url.charCodeAt(i);
    // "%"
    if (code === 37) return decodedRoute(url.slice(start, endOfPath(url, i)));
    // "/", "?", "#"
    if (code === slash || code === 63 || code === 35) return { to: "connection", id: url.slice(from, i) };
  }
  return { to: "connection", id: url.slice(from) };
}

function endOfPath(url: string, from: number): number {
  for (let i = from; i < url.length; i += 1) {
    const code = url.charCodeAt(i);
    if (code === 63 || code === 35) return i;
  }
  return url.length;
}

/** Each segment by itself: what is decoded to "/" divides nothing. */
function decodedRoute(path: string): Route {
  const [, first = "", second, ...rest] = path.split("/").map(decode);
  if (first === "connections" && second !== undefined) return { to: "connection", id: second };
  return routeOfPath(`/${[first, ...(second === undefined ? [] : [second]), ...rest].join("/")}`);
}

/** What is not percent-encoded UTF-8 stays as it is: it is no id that a connection has. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function routeOfPath(path: string): Route {
  const end = path.indexOf("/", 1);
  switch (end === -1 ? path : path.slice(0, end)) {
    case "/connections":
      return end === -1 ? routes.connections : routes.any;
    case "/events":
      return end === -1 ? routes.events : routes.any;
    case "/tokens":
    case "/session":
    case "/stream-tickets":
      return routes.home;
    case "/webhooks":
      return routes.webhooks;
    case "/":
    case "/healthz":
    case "/readyz":
    case "/metrics":
    case "/version":
    case "/dashboard":
    case "/docs":
    case "/openapi.json":
    case "/problems":
      return routes.node;
    default:
      return routes.any;
  }
}
