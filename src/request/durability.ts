import { Problem, type FieldError } from "../problem.ts";
import type { Survives } from "../store/store.ts";
import type { ConnectionRequest, ParsedRequest } from "./connection-request.ts";

/**
 * The request with what it does not say of durability: `otherwise`, where the store can promise it.
 *
 * @throws {Problem} `invalid-request` where it asks for what cannot be promised
 */
export function decideDurability(
  { request, saysDurable }: ParsedRequest,
  survives: Survives,
  otherwise: boolean,
): ConnectionRequest {
  const durable = saysDurable ? request.durable : otherwise && survives === "power";
  const errors: FieldError[] = [];
  const nothingKept =
    "this server keeps nothing on disk (CONNACK_STORE=memory), so that only false can be promised";
  if (survives === "nothing") {
    if (durable) errors.push({ pointer: "/durable", detail: nothingKept });
    if (request.log.durable) errors.push({ pointer: "/log/durable", detail: nothingKept });
  } else if (request.log.durable && !durable)
    errors.push({
      pointer: "/log/durable",
      detail: "needs durable true beside it: nobody could read the messages when the connection is gone",
    });
  const [first] = errors;
  if (first !== undefined && "pointer" in first)
    throw new Problem("invalid-request", { detail: `${first.pointer}: ${first.detail}`, errors });
  return durable === request.durable ? request : { ...request, durable };
}
