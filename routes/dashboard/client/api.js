// @ts-check
/** How long a stream may say nothing before it is taken for dead: more than two heartbeats. */
const silenceMs = 40_000;

/** An answer that is a problem, by RFC 9457. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {import("./model.ts").Failure} problem
   */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The calls of this server, by a session's cookie or, where the browser takes none, by a token kept in memory alone. */
export class Api {
  /** @type {string | null} */
  #token = null;
  #isOpen = false;

  /** Whether the server takes every call; then there is nothing to sign in to. */
  get isOpen() {
    return this.#isOpen;
  }

  /** Finds out whether one may call: true when access control is off, or there is a session. */
  async begin() {
    try {
      await this.call("GET", "/session");
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#isOpen = error.problem.code === "access-control-off";
      if (this.#isOpen) return true;
      if (error.status === 401) return false;
      throw error;
    }
  }

  /**
   * Changes the token for a cookie. Over plain http from another machine browsers refuse the cookie; then the token stays
   * in this object until the page is left.
   *
   * @param {string} token
   */
  async signIn(token) {
    this.#token = token;
    try {
      await this.call("POST", "/session");
    } catch (error) {
      this.#token = null;
      throw error;
    }
    this.#token = null;
    if (!(await this.begin())) this.#token = token;
  }

  async signOut() {
    try {
      await this.call("DELETE", "/session");
    } finally {
      this.#token = null;
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] sent as JSON
   * @returns {Promise<any>} the answer's JSON, or null
   */
  async call(method, path, body) {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(path, {
      method,
      cache: "no-store",
      headers: this.#headers(body !== undefined),
      ...json,
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    const answer = isJson && text !== "" ? JSON.parse(text) : null;
    if (!response.ok) throw new Refused(response.status, answer ?? {});
    return answer;
  }

  /**
   * The lines of a stream, with the id after which it begins, until it ends or falls silent.
   *
   * @param {string} path
   * @param {AbortSignal} signal
   * @param {(id: string | null) => void} [opened]
   * @param {unknown} [body] for a POST, sent as JSON
   * @returns {AsyncGenerator<any>}
   */
  async *lines(path, signal, opened, body) {
    const silent = new AbortController();
    const headers = { ...this.#headers(body !== undefined), accept: "application/x-ndjson" };
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(path, {
      cache: "no-store",
      headers,
      ...post,
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok || response.body === null)
      throw new Refused(response.status, await response.json().catch(() => ({})));
    opened?.(response.headers.get("connack-last-event-id"));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const timer = setTimeout(() => silent.abort(), silenceMs);
        const { done, value } = await reader.read().finally(() => clearTimeout(timer));
        if (done) return;
        const parts = (rest + value).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) if (part !== "") yield JSON.parse(part);
      }
    } finally {
      silent.abort();
    }
  }

  /** @param {boolean} hasBody */
  #headers(hasBody) {
    return {
      ...(hasBody ? { "content-type": "application/json" } : {}),
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
    };
  }
}

/**
 * A path below a connection's.
 *
 * @param {string} id
 * @param {string} [rest]
 */
export function pathOf(id, rest = "") {
  return `/connections/${encodeURIComponent(id)}${rest}`;
}
