import { isAnyone, type Principal } from "../../src/access/principal.ts";
import { tokenIsOver } from "./unauthorized.ts";
import type { AppContext } from "../context.ts";

/**
 * Aborts when the caller has gone, or may no longer be here. For what goes on until there is an answer, no longer: the
 * middleware lets go of it then. A stream, which goes on, watches the principal's tenure by itself.
 */
export function callSignal(c: AppContext): AbortSignal {
  const { signal } = c.req.raw;
  const principal = c.get("principal");
  // A right that never ends needs no watching.
  if (isAnyone(principal)) return signal;
  const own = new AbortController();
  const abort = () => own.abort();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const forget = principal.tenure.onOver(abort);
  const before = c.get("releaseSignal");
  c.set("releaseSignal", () => {
    before?.();
    signal.removeEventListener("abort", abort);
    forget();
  });
  return own.signal;
}

/**
 * What `work` comes to, or the problem as soon as the caller's right to be here ends. The work itself is not ended by that:
 * what has been sent cannot be taken back.
 *
 * @throws {Problem} `unauthorized`
 */
export function whileAllowed<T>(c: AppContext, work: Promise<T>): Promise<T> {
  const principal = c.get("principal");
  if (isAnyone(principal)) return work;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const forget = principal.tenure.onOver(() => reject(tokenIsOver()));
  work.then(resolve, reject).finally(forget);
  return promise;
}

/** Whether the caller's right to be here has ended; false where nobody has looked at it yet. */
export function isTokenOver(c: AppContext): boolean {
  const principal: Principal | undefined = c.get("principal");
  return principal !== undefined && principal.tenure.isOver;
}
