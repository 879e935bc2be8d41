import type { EgressPolicy } from "../egress/policy.ts";
import { AttemptError, type Failure } from "./failure.ts";
import type { Address, Resolve } from "./resolver.ts";

/** What is said of every forbidden destination, the same of all: whoever asks learns nothing of the network. */
export const forbiddenFailure: Failure = {
  stage: "policy",
  code: "destination-forbidden",
  detail: "This server does not connect to that destination",
  retryable: false,
  hint: "Ask the operator of this server whether the destination can be allowed: CONNACK_EGRESS_ALLOW.",
};

/** Where somebody wants to connect to; of a host name or an address in any spelling. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/**
 * Resolves the host and checks every address; the caller dials one of these and nothing else. One forbidden address
 * refuses the host: a name that mixes them is trying something.
 *
 * @throws {AttemptError} `dns-error`, or `destination-forbidden`
 */
export async function resolveAllowed(
  { host, port }: Destination,
  resolve: Resolve,
  policy: EgressPolicy,
): Promise<readonly Address[]> {
  const addresses = await resolve(host);
  if (addresses.every(({ address }) => policy.check(host, port, address))) return addresses;
  throw new AttemptError(forbiddenFailure);
}
