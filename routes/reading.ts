import { createRoute, z } from "@hono/zod-openapi";
import type { Connection } from "../src/connection/connection.ts";
import { deadline } from "../src/deadline.ts";
import { closedMeanwhile } from "../src/connection/problems.ts";
import { show } from "./connections.ts";
import type { App } from "./context.ts";
import { callSignal, isTokenOver } from "./middleware/call-signal.ts";
import { tokenIsOver } from "./middleware/unauthorized.ts";
import { etagOf, isUnchanged } from "./middleware/preconditions.ts";
import { needs } from "./middleware/scopes.ts";
import { holdParameter } from "./waiting.ts";
import { answers, idParameter, labelParameter, limitParameter } from "./parameters.ts";

const states = z.enum(["connecting", "connected", "waiting", "failed", "closing"]);

const cursor = z
  .string()
  .regex(/^[0-9a-z]{1,10}$/, "expected the cursor of an earlier page")
  .transform((text) => Number.parseInt(text, 36));

/** `GET /connections` and `GET /connections/{id}`. */
export function mountReading(app: App): void {
  const list = createRoute({
    method: "get",
    path: "/connections",
    middleware: [needs("connections:read")] as const,
    request: {
      query: z.strictObject({
        state: states.optional(),
        label: labelParameter,
        limit: limitParameter,
        cursor: cursor.default(0),
      }),
    },
    responses: answers,
  });
  app.openapi(list, (c) => {
    const { state, label: labels, limit, cursor: after } = c.req.valid("query");
    const page = c.get("tenant").registry.list({ state, labels, limit, after });
    const next = page.next === null ? null : page.next.toString(36);
    if (next !== null) {
      const url = new URL(c.req.url);
      url.searchParams.set("cursor", next);
      c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
    }
    c.header("Cache-Control", "no-store");
    return c.json({ items: page.items, next });
  });
  const one = createRoute({
    method: "get",
    path: "/connections/{id}",
    middleware: [needs("connections:read")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({
        wait: holdParameter,
        since: z
          .string()
          .regex(/^\d{1,15}$/, "expected a version")
          .transform(Number)
          .optional(),
      }),
    },
    responses: answers,
  });
  app.openapi(one, async (c) => {
    const { registry, waits } = c.get("tenant");
    const connection = registry.get(c.req.valid("param").id);
    const { wait, since } = c.req.valid("query");
    if (wait > 0) {
      const release = registry.hold(connection.id);
      await waits.during(c.env?.holdOpen, () =>
        changed(connection, since ?? connection.machine.version, wait * 1_000, callSignal(c)).finally(
          release,
        ),
      );
    }
    if (isTokenOver(c)) throw tokenIsOver();
    if (isUnchanged(c, connection)) {
      // As the 200 would have them (RFC 9110 §15.4.5).
      c.header("ETag", etagOf(connection));
      c.header("Cache-Control", "no-store");
      return c.body(null, 304) as never;
    }
    return show(c, connection, 200, false);
  });
}

/** Resolves when the version is not `since`, or the time is over, or the caller has gone. */
async function changed(
  connection: Connection,
  since: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  using over = deadline(waitMs, signal);
  const machine = await connection.until(({ version }) => version !== since, over.signal);
  if (machine?.state.name === "closed") throw closedMeanwhile(machine);
}
