import { createRoute, z } from "@hono/zod-openapi";
import { timestamp } from "../src/clock.ts";
import { announcementTypes } from "../src/connection/announcement.ts";
import { Problem } from "../src/problem.ts";
import { controlFrame, type StreamFormat } from "../src/stream/frame.ts";
import type { Entry, OrderedLog } from "../src/stream/log.ts";
import type { App, AppContext, Services } from "./context.ts";
import { negotiateFormat, startOf, type Start } from "./event-start.ts";
import { answers, idParameter, limitParameter } from "./parameters.ts";

const list = z
  .string()
  .max(4_096)
  .transform((text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean),
  );
/** Control events come whatever is asked for, and may be asked for, being types too. */
const eventTypes = [...announcementTypes, "snapshot", "gap", "shutdown"] as const;
const types = list.pipe(z.array(z.enum(eventTypes)).max(eventTypes.length));

const query = {
  types: types.optional(),
  format: z.enum(["sse", "ndjson", "json"]).optional(),
  lastEventId: z.string().max(128).optional(),
  limit: limitParameter,
  after: z.string().max(128).optional(),
};

interface Source {
  readonly log: OrderedLog;
  readonly wants: ((entry: Entry) => boolean) | undefined;
  /** The data of `snapshot`. */
  readonly snapshot: () => Record<string, unknown>;
  /** Called when a stream opens; what it returns, when it ends. */
  readonly hold: () => () => void;
}

/** `GET /events` and `GET /connections/{id}/events`: lifecycle, live with replay, or as history. */
export function mountEvents(app: App, services: Services): void {
  const { registry, lifecycle, clock } = services;
  const all = createRoute({
    method: "get",
    path: "/events",
    request: { query: z.strictObject({ ...query, connection: list.optional() }) },
    responses: answers,
  });
  app.openapi(all, (c) => {
    const { connection, types: wanted, ...rest } = c.req.valid("query");
    const ids = connection === undefined ? null : new Set(connection);
    const filtered = ids !== null || wanted !== undefined;
    const wants = (entry: Entry) =>
      (ids === null || ids.has(entry.connection)) &&
      (wanted === undefined || wanted.some((type) => type === entry.type));
    const snapshot = () => ({ at: timestamp(clock.wall()), total: registry.size, states: registry.count() });
    return answer(
      c,
      services,
      { log: lifecycle.all, wants: filtered ? wants : undefined, snapshot, hold: () => () => {} },
      rest,
    ) as never;
  });
  const one = createRoute({
    method: "get",
    path: "/connections/{id}/events",
    request: { params: idParameter, query: z.strictObject(query) },
    responses: answers,
  });
  app.openapi(one, (c) => {
    const connection = registry.get(c.req.valid("param").id);
    const { types: wanted, ...rest } = c.req.valid("query");
    const wants =
      wanted === undefined ? undefined : (entry: Entry) => wanted.some((type) => type === entry.type);
    const snapshot = () => ({
      at: timestamp(clock.wall()),
      connection: connection.id,
      view: registry.view(connection),
    });
    return answer(
      c,
      services,
      { log: connection.log, wants, snapshot, hold: () => registry.hold(connection.id) },
      rest,
    ) as never;
  });
}

interface Query {
  readonly format?: StreamFormat | "json" | undefined;
  readonly lastEventId?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

function answer(
  c: AppContext,
  services: Services,
  source: Source,
  { format: asked, lastEventId, limit, after }: Query,
): Response {
  const format = asked ?? negotiateFormat(c.req.header("accept"));
  if (format === null)
    throw new Problem(
      "not-acceptable",
      "Events come as text/event-stream, application/x-ndjson or application/json",
    );
  if (format === "json")
    return history(
      c,
      source,
      startOf(source.log, after === undefined || after === "" ? "earliest" : after),
      limit,
    );
  const resumeFrom = lastEventId ?? c.req.header("last-event-id");
  return live(c, services, source, format, startOf(source.log, resumeFrom));
}

function history(c: AppContext, { log, wants }: Source, start: Start, limit: number): Response {
  const items: string[] = [];
  let position = start.after;
  for (;;) {
    const entries = log.readAfter(position, 64) ?? [];
    if (entries.length === 0) break;
    for (const entry of entries) {
      if (items.length === limit) break;
      position = entry.sequence;
      if (wants === undefined || wants(entry)) items.push(entry.json);
    }
    if (items.length === limit) break;
  }
  const gap = start.gap === null ? "" : `,"gap":${JSON.stringify(start.gap)}`;
  const body = `{"items":[${items.join(",")}],"next":${JSON.stringify(log.idOf(position))}${gap}}`;
  return c.body(body, 200, { "content-type": "application/json", "cache-control": "no-store" });
}

function live(
  c: AppContext,
  { streams, lifecycle, accepting }: Services,
  source: Source,
  format: StreamFormat,
  start: Start,
): Response {
  if (!accepting())
    throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  const { log, wants, snapshot, hold } = source;
  const headers = {
    "content-type": format === "sse" ? "text/event-stream; charset=utf-8" : "application/x-ndjson",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "connack-last-event-id": log.idOf(start.after),
  };
  // Nobody would read the stream, which would stay open until it is given up.
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  // A resumed reader keeps its last id until it gets the next event: the snapshot must not move it past those.
  const snapshotId = start.resumed ? undefined : log.idOf(start.after);
  const first = [
    ...(start.gap === null ? [] : [controlFrame(format, "gap", { ...start.gap })]),
    controlFrame(format, "snapshot", snapshot(), snapshotId),
  ];
  const letIdle = hold();
  const letTimeOut = c.env?.holdOpen?.();
  const release = () => {
    letIdle();
    letTimeOut?.();
  };
  const subscriber = streams.open(
    { log, frames: lifecycle.frames, format, after: start.after, first, wants },
    c.env?.peer?.() ?? null,
    release,
  );
  if (subscriber === null) {
    release();
    throw new Problem("limit-reached", {
      detail: "This server has as many open streams as it may",
      limit: { name: "CONNACK_MAX_STREAMS", value: streams.size },
      retryAfterSeconds: 5,
    });
  }
  return c.body(subscriber.stream, 200, headers);
}
