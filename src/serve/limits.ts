/** What bounds the HTTP side, before a route sees anything. */
export interface HttpLimits {
  /** From the accept until the head of the first request has come. */
  readonly headerTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** From the end of a head until its body has come. */
  readonly bodyTimeoutMs: number;
  /** From an answer until the head of the next request has come. */
  readonly httpIdleTimeoutMs: number;
  readonly maxHttpConnections: number;
  /** How long calls that are under way may take at a stop, before they are cut. */
  readonly shutdownGraceMs: number;
}

/** How often what is open is looked through: no limit is more than an eighth late, or a second. */
export function sweepMs({ headerTimeoutMs, bodyTimeoutMs, httpIdleTimeoutMs }: HttpLimits): number {
  const shortest = Math.min(headerTimeoutMs, bodyTimeoutMs, httpIdleTimeoutMs);
  return Math.max(20, Math.min(1_000, shortest / 8));
}

/** What a call to a full server is told, without a look at it. */
export function tooManyCalls(): Response {
  return new Response(null, { status: 503, headers: { connection: "close", "retry-after": "5" } });
}
