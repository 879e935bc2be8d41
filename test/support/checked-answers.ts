import type { ConnackApp } from "../../src/app.ts";
import type { AnswerRules, GivenAnswer } from "./answer-rules.ts";
import { itemsIn } from "./stream-items.ts";

/** Answers that wait to be looked at, at most: a test that only sends does not come for them. */
const mostWaiting = 100;
/** Longer bodies, in characters, and later items of a stream are passed on unseen. */
const mostLength = 1_048_576;
const mostItems = 200;

/**
 * Holds every answer of an app against the document, and changes none. What is to be looked at is noted as it goes by, and
 * looked at when the test has its answer, so that nothing that a test measures takes longer.
 */
export class CheckedAnswers {
  readonly #rules: AnswerRules;
  readonly #waiting: (() => readonly string[])[] = [];
  readonly #differences: string[] = [];

  constructor(rules: AnswerRules) {
    this.#rules = rules;
  }

  /** The same app, whose answers are looked at. */
  of(fetch: ConnackApp["fetch"]): ConnackApp["fetch"] {
    return async (request, context) => {
      const response = await fetch(request, context);
      return this.#pass(request, response);
    };
  }

  /** @throws {Error} which says which answers were other than the document has them; of each once */
  assertDocumented(): void {
    this.#look();
    const found = this.#differences.splice(0);
    if (found.length > 0) throw new Error(`not as /openapi.json has it:\n${found.join("\n")}`);
  }

  async #pass(request: Request, response: Response): Promise<Response> {
    const { status, headers, body } = response;
    // One runtime gives the path alone where there is no usable Host.
    const [path = ""] = request.url.replace(/^\w+:\/\/[^/]*/, "").split("?");
    const given = { method: request.method, path: decoded(path), status, headers };
    const type = headers.get("content-type") ?? "";
    if (body !== null && /^(text\/event-stream|application\/x-ndjson)/.test(type)) {
      this.#note({ ...given, text: null });
      return new Response(this.#watched({ ...given, text: null }, body), { status, headers });
    }
    if (body === null || !/^application\/(problem\+)?json/.test(type)) {
      this.#note({ ...given, text: null });
      return response;
    }
    const text = await response.text();
    this.#note({ ...given, text: text.length > mostLength ? null : text });
    return new Response(text, { status, headers });
  }

  #note(given: GivenAnswer): void {
    // As it is now: the server may add to it.
    const noted = { ...given, headers: new Headers(given.headers) };
    this.#later(noted, () => this.#rules.differences(noted));
  }

  #watched(given: GivenAnswer, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    return itemsIn(body, { items: mostItems, length: mostLength }, (text) =>
      this.#later(given, () => this.#rules.differentItem(given, text)),
    );
  }

  #later({ method, path, status }: GivenAnswer, look: () => readonly string[]): void {
    this.#waiting.push(() => look().map((each) => `${method} ${path} ${status}: ${each}`));
    if (this.#waiting.length >= mostWaiting) this.#look();
  }

  #look(): void {
    for (const look of this.#waiting.splice(0)) this.#differences.push(...look());
  }
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
