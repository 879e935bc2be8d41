import { isAnyone, type Principal } from "../../src/access/principal.ts";
import type { AppContext } from "../context.ts";

/**
 * Aborts when the caller has gone, or may no longer be here. For what goes on until there is an answer, no longer: the
 * middleware lets go of it then. A stream, which goes on, watches the principal's tenure by itself.
 */
export function callSignal(c: AppContext): AbortSignal {
  const { signal } = c.req.raw;
  const { principal } = c.var;
  // A right that never ends needs no watching.
  if (isAnyone(principal)) return signal;
  const own = new AbortController();
  const abort = () => own.abort();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const forget = principal.tenure.onOver(abort);
  const before = c.var.releaseSignal;
  c.set("releaseSignal", () => {
    before?.();
    signal.removeEventListener("abort", abort);
    forget();
  });
  return own.signal;
}

/** Whether the caller's right to be here has ended; false where nobody has looked at it yet. */
export function isTokenOver(c: AppContext): boolean {
  const principal: Principal | undefined = c.get("principal");
  return principal !== undefined && principal.tenure.isOver;
}
