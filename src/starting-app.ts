import type { ConnackApp, RequestContext } from "./app.ts";
import { deadline } from "./deadline.ts";
import type { Egress } from "./egress/egress.ts";
import type { EgressLists } from "./egress/policy.ts";
import type { ProgressBoard } from "./progress/board.ts";

type Fetch = ConnackApp["fetch"];

/** The service, when all is back that was kept. */
export interface OpenApp {
  readonly fetch: Fetch;
  /** Ends the connections that the egress policy forbids now; with how many there were. */
  endForbidden(): number;
  /** Within `graceMs`, unless told that of the settings, connections are to close gracefully. */
  close(graceMs?: number): Promise<void>;
}

export interface StartingParts {
  /** Answers until the service is open. */
  readonly fetch: Fetch;
  readonly egress: Egress;
  readonly progress: ProgressBoard;
  /** Opens the store, and brings back what was kept; rejects soon after the signal has aborted. */
  readonly open: (signal: AbortSignal) => Promise<OpenApp>;
}

/** Of what a start that is given up has begun; whatever hangs, the process is to end. */
const giveUpWithinMs = 2_000;

/**
 * The service from the moment at which it is called, which is before its store is open: a process that migrates for a
 * minute is alive, and those who ask are told so. Answers come from the one or from the other, and from both to nobody.
 */
export class StartingApp implements ConnackApp {
  readonly progress: ProgressBoard;
  readonly #egress: Egress;
  readonly #open: StartingParts["open"];
  readonly #givenUp = new AbortController();
  #fetch: Fetch;
  #opening: Promise<OpenApp> | null = null;
  #app: OpenApp | null = null;
  #closed: Promise<void> | null = null;

  constructor({ fetch, egress, progress, open }: StartingParts) {
    this.progress = progress;
    this.#fetch = fetch;
    this.#egress = egress;
    this.#open = open;
  }

  readonly fetch = (request: Request, context?: RequestContext): Response | Promise<Response> =>
    this.#fetch(request, context);

  /**
   * From when it resolves, calls are taken; to be called once, when it is known where the server listens: nothing is
   * dialled before.
   *
   * @throws {Error} with a sentence for the operator, when the store cannot be used; or when it was closed meanwhile
   */
  async open(): Promise<void> {
    this.#opening = this.#open(this.#givenUp.signal);
    const app = await this.#opening;
    // Whoever closes it closes what was opened, too.
    this.#givenUp.signal.throwIfAborted();
    this.#app = app;
    this.#fetch = app.fetch;
  }

  listening(hostname: string, port: number): void {
    this.#egress.own.listening(hostname, port);
    this.#app?.endForbidden();
  }

  changeEgress(lists: EgressLists): number {
    this.#egress.change(lists);
    return this.#app?.endForbidden() ?? 0;
  }

  close(graceMs?: number): Promise<void> {
    return (this.#closed ??= this.#close(graceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs?: number): Promise<void> {
    if (this.#app !== null) return this.#app.close(graceMs);
    this.#givenUp.abort();
    if (this.#opening === null) return;
    using late = deadline(giveUpWithinMs);
    const { promise: over, resolve } = Promise.withResolvers<null>();
    late.signal.addEventListener("abort", () => resolve(null), { once: true });
    const app = await Promise.race([this.#opening.catch(() => null), over]);
    await app?.close();
  }
}
