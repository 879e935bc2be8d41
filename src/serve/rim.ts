import type { ConnackApp, RequestContext } from "../app.ts";
import type { Peer } from "../stream/vanished.ts";
import { BodyTimes, type Reading } from "./body-times.ts";
import { sweepMs, type HttpLimits } from "./limits.ts";

/** What the runtime's server gives along with a request. */
export interface CallOptions {
  peer(): Peer | null;
  holdOpen(): () => void;
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

  /** `onAnswer`, where there is one, is told when the answer is there, and whether the connection ends with it. */
  call(
    request: Request,
    options: CallOptions,
    onAnswer: ((ends: boolean) => void) | null,
  ): Response | Promise<Response> {
    const answer = this.#app.fetch(request, new Call(options, this.#bodies));
    if (onAnswer === null) return answer;
    const answered = (response: Response) => {
      // After a body that did not come nothing can: what comes on that connection is the rest of it.
      onAnswer(response.status === late);
      return response;
    };
    return answer instanceof Promise ? answer.then(answered) : answered(answer);
  }

  [Symbol.dispose](): void {
    this.#bodies[Symbol.dispose]();
  }
}

/** What goes along with a request; made as it is asked for, since most calls ask for little of it. */
class Call implements RequestContext {
  readonly #options: CallOptions;
  readonly #bodies: BodyTimes;

  constructor(options: CallOptions, bodies: BodyTimes) {
    this.#options = options;
    this.#bodies = bodies;
  }

  get peer(): () => Peer | null {
    return () => this.#options.peer();
  }

  get holdOpen(): () => () => void {
    return () => this.#options.holdOpen();
  }

  get inTime(): <T>(reading: Reading<T>) => Promise<T> {
    // It is our own limit that is to end what is slow, with an answer; the runtime's would come without.
    return (reading) => this.#bodies.within(reading, this.#options);
  }
}
