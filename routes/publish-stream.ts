import { publishRefusal } from "../src/access/request-rights.ts";
import type { Connection } from "../src/connection/connection.ts";
import { closedMeanwhile } from "../src/connection/problems.ts";
import type { Machine } from "../src/connection/state.ts";
import { Problem } from "../src/problem.ts";
import type { AppContext, Services } from "./context.ts";
import { PublishLines } from "./publish-lines.ts";
import { invalidParameters, readWait, refuseOptions, type Query } from "./publish-query.ts";
import { waitOf } from "./waiting.ts";

const isEnding = ({ state }: Machine) => state.name === "closing" || state.name === "closed";

/** Answers with reports while messages come, a line each. */
export async function publishStream(
  c: AppContext,
  services: Services,
  connection: Connection,
  query: Query,
): Promise<Response> {
  const { accepting, clock, maxBodyBytes, maxPayloadBytes } = services;
  if (c.req.header("idempotency-key") !== undefined)
    throw invalidParameters([{ parameter: "Idempotency-Key", detail: "cannot be given for a stream" }]);
  refuseOptions(query, c.req.raw.headers);
  if (query.has("queue"))
    throw invalidParameters([{ parameter: "queue", detail: "cannot be given for a stream; send an array" }]);
  const waitMs = waitOf(c, readWait(query));
  if (!accepting()) throw shuttingDown();
  if (isEnding(connection.machine)) throw closedMeanwhile(connection.machine);
  const lines = new PublishLines({
    body: c.req.raw.body,
    publisher: connection.session.publisher,
    clock,
    waitMs,
    maxLineBytes: maxBodyBytes,
    rules: { maxPayloadBytes, refusal: publishRefusal(c.get("principal")) },
    writeTimeoutMs: services.streamWriteTimeoutMs,
    idleTimeoutMs: services.publishIdleTimeoutMs,
  });
  await begin(c, services, connection, lines);
  return c.body(lines.stream, 200, {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  });
}

/** Has the lines run as one of the calls that wait, on a connection that does not go idle meanwhile. */
async function begin(
  c: AppContext,
  { stopping, logger }: Services,
  connection: Connection,
  lines: PublishLines,
): Promise<void> {
  const { registry, waits } = c.get("tenant");
  let begun = false;
  const running = waits.during(c.env?.holdOpen, async () => {
    begun = true;
    const letIdle = registry.hold(connection.id);
    const over = new AbortController();
    const stop = () => lines.stop(shuttingDown());
    const forget = c.get("principal").tenure.onOver(() => lines.stop(tenureOver()));
    stopping.addEventListener("abort", stop, { once: true });
    void connection
      .until(isEnding, over.signal)
      .then((machine) => (machine === null ? undefined : lines.stop(closedMeanwhile(machine))));
    try {
      await lines.run();
    } finally {
      over.abort();
      forget();
      stopping.removeEventListener("abort", stop);
      letIdle();
    }
  });
  // A wait that is refused is so before it begins.
  if (!begun) await running;
  running.catch((error: unknown) => {
    lines.cut();
    logger.error("publishing lines failed in Connack", {
      requestId: c.get("requestId"),
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  });
}

/** What the lines that are left are told when the token was revoked, or has expired. */
function tenureOver(): Problem {
  return new Problem("unauthorized", "The token was revoked, or has expired");
}

function shuttingDown(): Problem {
  return new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
}
