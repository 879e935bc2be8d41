import type { RequestContext } from "../app.ts";
import { ownerLost, Refused, requestIdOf, withoutACell } from "./front-answer.ts";
import type { Cells } from "./cells.ts";

/** What a part of a call differs in from the whole. */
export interface Question {
  readonly cell: number;
  readonly url: string;
  readonly method: "GET" | "HEAD" | "POST";
  /** What goes along with it, besides the call. */
  readonly context?: RequestContext;
}

/** Asks cells for their parts of a call, on behalf of its caller, until it is released. */
export class Asking implements Disposable {
  readonly signal: AbortSignal;
  readonly #cells: Pick<Cells, "call">;
  readonly #headers: Headers;
  readonly #caller: AbortSignal;
  readonly #controller = new AbortController();
  /** The cell that counts it as a call, and as a stream: the first that is asked. */
  #counting: number | null = null;
  readonly #abort = () => this.#controller.abort();

  /** `without` names headers of the call that its parts do not have. */
  constructor(cells: Pick<Cells, "call">, request: Request, without: readonly string[] = []) {
    this.#cells = cells;
    this.signal = this.#controller.signal;
    this.#headers = new Headers(request.headers);
    this.#headers.set("x-request-id", requestIdOf(request));
    for (const name of without) this.#headers.delete(name);
    this.#caller = request.signal;
    if (this.#caller.aborted) this.#abort();
    this.#caller.addEventListener("abort", this.#abort, { once: true });
  }

  /** One cell's answer, whatever it is. */
  ask({ cell, url, method, context = {} }: Question): Promise<Response> {
    this.#counting ??= cell;
    const isPart = cell !== this.#counting;
    const request = new Request(url, { method, headers: this.#headers, signal: this.signal });
    return this.#cells.call(cell, request, isPart ? { ...context, isPart } : context);
  }

  /**
   * The answers of all, in order, which are 200. Where one is not, or does not come, the others are given up.
   *
   * @throws {Refused} with the first that was not
   * @throws {Problem} `no-owner`
   */
  async askAll(questions: readonly Question[]): Promise<Response[]> {
    const calls = questions.map(async (question) => {
      const response = await this.ask(question);
      if (response.status !== 200) throw await Refused.by(response);
      return response;
    });
    try {
      return await Promise.all(calls);
    } catch (error) {
      for (const call of calls) void call.then((response) => response.body?.cancel()).catch(() => {});
      throw withoutACell(error);
    }
  }

  /** Gives up what goes on. */
  [Symbol.dispose](): void {
    this.#caller.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }
}

/** @throws {Problem} `no-owner` where it breaks off */
export async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw ownerLost("while it answered");
  }
}
