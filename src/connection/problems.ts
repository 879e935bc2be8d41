import type { Failure } from "../broker/failure.ts";
import { Problem } from "../problem.ts";
import type { Machine } from "./state.ts";

/** A broker that says it is busy gets so long before it is asked again, in seconds. */
const busyRetrySeconds = 5;

/** What a caller who waited is told of a failed attempt. */
export function failureProblem(failure: Failure): Problem {
  const { code, detail, stage, hint, retryable, retryableNow, cause, httpStatus, mqtt } = failure;
  const { limit, retryAfterSeconds } = failure;
  return new Problem(code, {
    detail,
    stage,
    hint,
    retryable: retryableNow ?? retryable,
    ...(cause === undefined ? {} : { cause }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(mqtt === undefined ? {} : { mqtt }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(code === "broker-unavailable" ? { retryAfterSeconds: busyRetrySeconds } : {}),
    ...(code === "bind-address-unavailable"
      ? {
          errors: [
            { pointer: "/bindAddress", detail: "not an address from which the broker can be reached" },
          ],
        }
      : {}),
  });
}

/** What a call is told that needs the connection up; `now` in epoch milliseconds. */
export function notConnectedProblem({ state }: Machine, now: number): Problem {
  if (state.name === "failed") {
    return new Problem("not-connected", {
      detail: `The connection is not connected: it has failed (${state.failure.detail})`,
      state: state.name,
      hint: "It is not tried again by itself; POST …/reconnect does, with new credentials where they are the reason.",
    });
  }
  if (state.name === "closing" || state.name === "closed") {
    return new Problem("not-connected", {
      detail: `The connection is not connected: it is ${state.name}`,
      state: state.name,
    });
  }
  const seconds = state.name === "waiting" ? Math.max(1, Math.ceil((state.until - now) / 1_000)) : 1;
  return new Problem("temporarily-not-connected", {
    detail: `The connection is not connected now: it is ${state.name}`,
    state: state.name,
    retryAfterSeconds: seconds,
  });
}

/** What a call is told whose connection went away while it waited. */
export function closedMeanwhile(machine: Machine): Problem {
  const { state } = machine;
  if ((state.name === "closing" || state.name === "closed") && state.cause === "shutdown") {
    return new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  }
  return new Problem("connection-closed", "The connection was closed while this call waited for it");
}
