import { resolveAllowed } from "../broker/egress.ts";
import { AttemptError } from "../broker/failure.ts";
import type { TransportDeps } from "../broker/transport.ts";
import { failureProblem } from "../connection/problems.ts";
import { deadline } from "../deadline.ts";
import { parseEndpoint } from "./endpoint.ts";

const withinMs = 2_000;

/**
 * Refuses a URL that is forbidden as things are. A name that does not resolve now, or not in time, may do so later; it
 * is checked again at every attempt.
 *
 * @throws {Problem} `destination-forbidden`
 */
export async function checkDestination(
  url: string,
  { resolve, policy }: Pick<TransportDeps, "resolve" | "policy">,
): Promise<void> {
  const parsed = parseEndpoint(url);
  if (!parsed.ok) return;
  using late = deadline(withinMs);
  const { promise: over, resolve: giveUp } = Promise.withResolvers<void>();
  late.signal.addEventListener("abort", () => giveUp(), { once: true });
  try {
    await Promise.race([resolveAllowed(parsed.endpoint, resolve, policy), over]);
  } catch (error) {
    if (!(error instanceof AttemptError)) throw error;
    if (error.failure.code === "destination-forbidden") throw failureProblem(error.failure);
  }
}
