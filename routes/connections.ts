import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../src/problem.ts";
import type { Connection } from "../src/connection/connection.ts";
import { requireRequest } from "../src/access/request-rights.ts";
import { decideDurability } from "../src/request/durability.ts";
import { connectionIdSchema, reconnectFields } from "../src/request/schema.ts";
import { connectionRequestSchema, type ParsedRequest } from "../src/request/connection-request.ts";
import { holding } from "../src/waits.ts";
import type { Waiting } from "../src/connection/operations.ts";
import type { App, AppContext, Services } from "./context.ts";
import { credentialsOf } from "./credentials.ts";
import { etagOf, preconditions } from "./middleware/preconditions.ts";
import { whileAllowed } from "./middleware/call-signal.ts";
import { idempotent } from "./middleware/idempotency.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { needs } from "./middleware/scopes.ts";
import { waitingOf, waitOf, waitParameter } from "./waiting.ts";
import { answers, flag, idParameter, integer } from "./parameters.ts";

const waitQuery = z.strictObject({ wait: waitParameter });
const bodyOf = <T extends z.ZodType>(schema: T, required = true) => ({
  required,
  content: { "application/json": { schema } },
});

/** `POST /connections` and `PUT /connections/{id}`: opening, which waits for the CONNACK. */
export function mountOpening(app: App, services: Services): void {
  const { newId, store } = services;
  const post = createRoute({
    method: "post",
    path: "/connections",
    middleware: [needs("connections:write"), jsonBody(), idempotent()] as const,
    request: { query: waitQuery, body: bodyOf(connectionRequestSchema) },
    responses: answers,
  });
  app.openapi(post, async (c) => {
    const parsed = c.req.valid("json") as ParsedRequest;
    const { id } = parsed;
    const request = decideDurability(parsed, store.survives, false);
    requireRequest(c.get("principal"), request);
    const waiting = waitingOf(c, c.req.valid("query").wait);
    const open = () => c.get("tenant").operations.create(id ?? c.env?.newId ?? newId(), request, waiting);
    const { connection, done } = await during(c, waiting, open);
    return show(c, connection, done ? 201 : 202, true);
  });
  const put = createRoute({
    method: "put",
    path: "/connections/{id}",
    middleware: [needs("connections:write"), jsonBody()] as const,
    request: {
      params: z.object({ id: connectionIdSchema }),
      query: waitQuery,
      body: bodyOf(connectionRequestSchema),
    },
    responses: answers,
  });
  app.openapi(put, async (c) => {
    const { id } = c.req.valid("param");
    const parsed = c.req.valid("json") as ParsedRequest;
    if (parsed.id !== undefined && parsed.id !== id) {
      throw new Problem("invalid-request", {
        detail: "/id: PUT has the id in its path",
        errors: [{ pointer: "/id", detail: "PUT has the id in its path" }],
      });
    }
    const { registry, operations } = c.get("tenant");
    preconditions(c, registry.find(id));
    const waiting = waitingOf(c, c.req.valid("query").wait);
    const request = decideDurability(parsed, store.survives, true);
    requireRequest(c.get("principal"), request);
    const put = () => operations.put(id, request, waiting);
    const { connection, done, created } = await during(c, waiting, put);
    return show(c, connection, done ? (created ? 201 : 200) : 202, created);
  });
}

/** `DELETE`, `…/reconnect` and `…/ping` on one connection. */
export function mountControl(app: App): void {
  const reconnect = createRoute({
    method: "post",
    path: "/connections/{id}/reconnect",
    middleware: [needs("connections:write"), jsonBody({ optional: true })] as const,
    request: { params: idParameter, query: waitQuery, body: bodyOf(reconnectFields, false) },
    responses: answers,
  });
  app.openapi(reconnect, async (c) => {
    const { registry, operations } = c.get("tenant");
    const connection = registry.get(c.req.valid("param").id);
    const credentials = credentialsOf(c.req.valid("json"), connection.request);
    const waiting = waitingOf(c, c.req.valid("query").wait);
    const again = () => operations.reconnect(connection, credentials, waiting);
    const { done } = await during(c, waiting, again);
    return show(c, connection, done ? 200 : 202, false);
  });
  const ping = createRoute({
    method: "post",
    path: "/connections/{id}/ping",
    middleware: [needs("connections:write")] as const,
    request: { params: idParameter, query: waitQuery },
    responses: answers,
  });
  app.openapi(ping, async (c) => {
    const { registry, operations, waits } = c.get("tenant");
    const connection = registry.get(c.req.valid("param").id);
    const waitMs = waitOf(c, c.req.valid("query").wait);
    const rttMs = await waits.during(c.env?.holdOpen, () =>
      whileAllowed(c, operations.ping(connection, waitMs)),
    );
    return c.json({ rttMs: Math.round(rttMs * 1_000) / 1_000 });
  });
  const remove = createRoute({
    method: "delete",
    path: "/connections/{id}",
    middleware: [needs("connections:write")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({
        drainMs: integer(60_000).default(5_000),
        reasonCode: z.enum(["0", "4"], "expected 0 or 4").default("0").transform(Number),
        sessionExpiryInterval: integer(4_294_967_295).optional(),
        force: flag,
      }),
    },
    responses: answers,
  });
  app.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const query = c.req.valid("query");
    const check = (connection: Connection) => {
      preconditions(c, connection);
      checkDisconnectOptions(connection, query);
    };
    const { registry, operations } = c.get("tenant");
    // Not one of the waits: whatever else is waiting, a connection can be deleted.
    const connection = await holding(c.env?.holdOpen, () =>
      whileAllowed(c, operations.close(id, query, check)),
    );
    return c.json({
      ...registry.view(connection),
      drained: connection.unacknowledged === 0,
      unacknowledged: connection.unacknowledged,
    });
  });
}

/** DISCONNECT has a reason code and properties only in version 5 (MQTT 3.1.1 §3.14). */
function checkDisconnectOptions(
  connection: Connection,
  query: { reasonCode: number; sessionExpiryInterval?: number | undefined },
): void {
  const version = connection.machine.established?.protocolVersion ?? connection.request.protocolVersion;
  if (version === "5" || version === "auto") {
    const requested = connection.request.properties?.sessionExpiryInterval ?? 0;
    if (requested === 0 && (query.sessionExpiryInterval ?? 0) > 0) {
      throw invalidParameter(
        "sessionExpiryInterval",
        "must be 0 when CONNECT had none or 0 (MQTT 5 §3.14.2.2.2)",
      );
    }
    return;
  }
  for (const [name, set] of [
    ["reasonCode", query.reasonCode !== 0],
    ["sessionExpiryInterval", query.sessionExpiryInterval !== undefined],
  ] as const) {
    if (set) throw invalidParameter(name, `exists only in MQTT 5; this connection speaks ${version}`);
  }
}

function invalidParameter(parameter: string, detail: string): Problem {
  return new Problem("invalid-request", {
    detail: `${parameter}: ${detail}`,
    errors: [{ parameter, detail }],
  });
}

/** A call that does not wait is none of the waits. */
function during<T>(c: AppContext, { waitMs }: Waiting, call: () => Promise<T>): Promise<T> {
  return waitMs === 0 ? call() : c.get("tenant").waits.during(c.env?.holdOpen, call);
}

/** Answers with the view. */
export function show(c: AppContext, connection: Connection, status: 200 | 201 | 202, located: boolean) {
  const view = c.get("tenant").registry.view(connection);
  if (located) c.header("Location", view.links.self);
  c.header("ETag", etagOf(connection));
  c.header("Cache-Control", "no-store");
  return c.json(view, status) as never;
}
