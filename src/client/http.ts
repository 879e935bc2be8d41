import { ConnackUnreachable, problemOf } from "./problem.ts";

/** What of `fetch` is used. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** How a call is made; `signal` ends the wait for the answer, and with it what the server does only while somebody waits. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Of a URL. */
export interface Query {
  readonly [name: string]: string | number | boolean | readonly string[] | undefined | null;
}

export interface Call extends CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Calls of one server, with its token. */
export class Http {
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: Fetch;

  constructor(url: string, token: string | undefined, fetch: Fetch) {
    this.#base = url.replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = fetch;
  }

  /**
   * Answers with the parsed body of a success; `undefined` where there is none.
   *
   * @throws {ConnackProblem} the server said no
   * @throws {ConnackUnreachable} nothing, or not all, came back
   */
  async json<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const response = await this.send(method, path, {
      ...call,
      headers: { accept: "application/json", ...call.headers },
    });
    const text = await reached(response.text(), call.signal);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Answers with a response that is a success, its body unread. Throws as {@link json} does. */
  async send(method: string, path: string, call: Call = {}): Promise<Response> {
    const headers = Object.entries({
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...call.headers,
    }).filter((header): header is [string, string] => header[1] !== undefined);
    const init: RequestInit = {
      method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    const fetch = this.#fetch;
    const response = await reached(fetch(`${this.#base}${path}${queryOf(call.query)}`, init), call.signal);
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/** The caller's own abort is not the network's failure. */
async function reached<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new ConnackUnreachable(`Connack cannot be reached: ${said}`, { cause: error });
  }
}

/** Lists become one parameter each time; what is undefined or null is left out. */
function queryOf(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [value])
      parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** A path whose parts are encoded, slashes and all. */
export function path(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: strings }, ...parts.map((part) => encodeURIComponent(part)));
}
