import type { ConnackApp } from "../app.ts";
import type { Peer } from "../stream/vanished.ts";
import { BodyTimes, type Reading } from "./body-times.ts";
import { sweepMs, type HttpLimits } from "./limits.ts";

/** What the runtime's server gives along with a request. */
export interface CallOptions {
  readonly peer: () => Peer | null;
  readonly holdOpen: () => () => void;
}

/** The status of `request-timeout`, and of nothing else. */
const late = 408;

/** Hands requests to the app, with the bounds that are the same on every runtime. */
export class Rim implements Disposable {
  readonly #app: Pick<ConnackApp, "fetch">;
  readonly #bodies: BodyTimes;

  constructor(app: Pick<ConnackApp, "fetch">, limits: HttpLimits) {
    this.#app = app;
    const now = () => performance.now();
    this.#bodies = new BodyTimes({ timeoutMs: limits.bodyTimeoutMs, sweepMs: sweepMs(limits), now });
  }

  /** `onEnd` is told, when the answer is there, whether the connection ends with it. */
  async call(
    request: Request,
    { peer, holdOpen }: CallOptions,
    onAnswer: (ends: boolean) => void,
  ): Promise<Response> {
    // It is our own limit that is to end what is slow, with an answer; the runtime's would come without.
    const inTime = <T>(reading: Reading<T>) => this.#bodies.within(reading, () => void holdOpen());
    const response = await this.#app.fetch(request, { peer, holdOpen, inTime });
    // After a body that did not come nothing can: what comes on that connection is the rest of it.
    const ends = response.status === late;
    if (ends) response.headers.set("connection", "close");
    onAnswer(ends);
    return response;
  }

  [Symbol.dispose](): void {
    this.#bodies[Symbol.dispose]();
  }
}
