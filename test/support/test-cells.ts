import type { ConnackApp, RequestContext } from "../../src/app.ts";
import type { Cells } from "../../src/cluster/cells.ts";
import { shardsOfConnections } from "../../src/cluster/front-shard.ts";
import { Problem } from "../../src/problem.ts";

type Fetch = ConnackApp["fetch"];

/** A call of a front to a cell. */
export interface CellCall {
  readonly shard: number;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/** The cells of a test, which are elsewhere unless they are said to be local: an answer from there ends with its call. */
export class TestCells implements Cells {
  readonly shards: number;
  /** All calls, in their order. */
  readonly calls: CellCall[] = [];
  /** Shards that the front's own process has. */
  readonly local = new Set<number>();
  /** What `placement` says. */
  best: readonly number[];
  /** So long a call waits for an owner. */
  ownerWithinMs = 100;
  readonly #fetches = new Map<number, Fetch>();
  readonly #away = new Set<number>();
  readonly #waiting = new Set<() => void>();
  readonly #bodies = new Map<number, Set<PassedBody>>();
  readonly #taken = new Map<number, number>();

  constructor(fetches: readonly Fetch[]) {
    this.shards = fetches.length;
    for (const [shard, fetch] of fetches.entries()) this.#fetches.set(shard, fetch);
    this.best = shardsOfConnections(this.shards);
  }

  placement(): readonly number[] {
    return this.best;
  }

  isLocal(shard: number): boolean {
    return this.local.has(shard);
  }

  /** Its owner is lost: what it was answering ends, and calls wait until somebody has it again. */
  lose(shard: number): void {
    this.#away.add(shard);
    for (const body of [...this.#bodiesOf(shard)]) body.lose();
  }

  /** Somebody has it again: the same service, or another one. */
  give(shard: number, fetch?: Fetch): void {
    if (fetch !== undefined) this.#fetches.set(shard, fetch);
    this.#away.delete(shard);
    for (const wake of this.#waiting) wake();
  }

  /** Bodies of a cell that are open, and all bytes that were taken of them. */
  openOf(shard: number): number {
    return this.#bodiesOf(shard).size;
  }

  takenOf(shard: number): number {
    return this.#taken.get(shard) ?? 0;
  }

  async call(shard: number, request: Request, context: RequestContext = {}): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.calls.push({ shard, method: request.method, path: `${pathname}${search}` });
    await this.#untilOwned(shard, request.signal);
    const fetch = this.#fetches.get(shard);
    if (fetch === undefined) throw new Error(`There is no shard ${shard}`);
    if (this.isLocal(shard)) return fetch(request, context);
    const { newId } = context;
    const answer = await fetch(request, newId === undefined ? {} : { newId });
    request.signal.throwIfAborted();
    return this.#passed(shard, answer, request.signal);
  }

  #passed(shard: number, { status, headers, body }: Response, signal: AbortSignal): Response {
    if (body === null) return new Response(null, { status, headers });
    const isStream = /event-stream|ndjson/.test(headers.get("content-type") ?? "");
    const bodies = this.#bodiesOf(shard);
    const passed = new PassedBody(body, isStream, {
      taken: (bytes) => this.#taken.set(shard, this.takenOf(shard) + bytes),
      ended: () => bodies.delete(passed),
    });
    bodies.add(passed);
    // A stream goes on until its reader cancels it; all else is over with the call that it answers.
    if (!isStream) signal.addEventListener("abort", () => passed.lose(), { once: true });
    return new Response(passed.stream, { status, headers });
  }

  #bodiesOf(shard: number): Set<PassedBody> {
    const bodies = this.#bodies.get(shard) ?? new Set();
    this.#bodies.set(shard, bodies);
    return bodies;
  }

  #untilOwned(shard: number, signal: AbortSignal): Promise<void> {
    if (!this.#away.has(shard)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = () => {
        if (!this.#away.has(shard)) end(resolve);
      };
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        settle();
      };
      const noOwner = () => new Problem("no-owner", { detail: "Nobody has it", retryAfterSeconds: 2 });
      const timer = setTimeout(() => end(() => reject(noOwner())), this.ownerWithinMs);
      signal.addEventListener("abort", () => end(() => reject(signal.reason as Error)), { once: true });
      this.#waiting.add(wake);
    });
  }
}

interface Watching {
  readonly taken: (bytes: number) => void;
  readonly ended: () => void;
}

/** What a cell answers, as it comes from another node. */
class PassedBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly lose: () => void;

  constructor(body: ReadableStream<Uint8Array>, isStream: boolean, { taken, ended }: Watching) {
    const reader = body.getReader();
    let own: ReadableStreamDefaultController<Uint8Array> | null = null;
    const end = (say: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
      const controller = own;
      own = null;
      if (controller === null) return;
      ended();
      say(controller);
    };
    this.lose = () => {
      end((controller) => (isStream ? controller.close() : controller.error(new Error("lost"))));
      void reader.cancel().catch(() => {});
    };
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          own = controller;
        },
        async pull() {
          const { value } = await reader.read();
          if (value === undefined) return end((controller) => controller.close());
          taken(value.length);
          return own?.enqueue(value);
        },
        cancel() {
          end(() => {});
          return reader.cancel();
        },
      },
      { highWaterMark: 0 },
    );
  }
}
