import { createRoute, z } from "@hono/zod-openapi";
import { timestamp } from "../src/clock.ts";
import { announcementTypes } from "../src/connection/announcement.ts";
import { Problem } from "../src/problem.ts";
import { controlFrame, type StreamFormat } from "../src/stream/frame.ts";
import type { Entry, OrderedLog } from "../src/stream/log.ts";
import type { LifecycleEntry } from "../src/connection/lifecycle.ts";
import type { MessageEntry } from "../src/connection/messages.ts";
import type { Joined } from "../src/stream/subscriber.ts";
import type { App, AppContext, Services } from "./context.ts";
import { negotiateFormat, startOf, type Start } from "./event-start.ts";
import { joinedFrames, joinedMessages, requireStream } from "./joined-messages.ts";
import { live } from "./live.ts";
import { needs } from "./middleware/scopes.ts";
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

interface Source<E extends Entry> {
  readonly log: OrderedLog<E>;
  readonly wants: ((entry: E) => boolean) | undefined;
  /** The data of `snapshot`. */
  readonly snapshot: () => Record<string, unknown>;
  /** Called when a stream opens; what it returns, when it ends. */
  readonly hold: () => () => void;
  /** What comes in between on a stream. */
  readonly joined?: Joined<MessageEntry> | undefined;
}

/** `GET /events` and `GET /connections/{id}/events`: lifecycle, live with replay, or as history. */
export function mountEvents(app: App, services: Services): void {
  const { clock } = services;
  const messageFrames = joinedFrames();
  const all = createRoute({
    method: "get",
    path: "/events",
    middleware: [needs("connections:read")] as const,
    request: {
      query: z.strictObject({ ...query, connection: list.optional(), messages: z.string().optional() }),
    },
    responses: answers,
  });
  app.openapi(all, async (c) => {
    const { registry, lifecycle } = c.get("tenant");
    const { connection, types: wanted, messages, ...rest } = c.req.valid("query");
    const joining = messages === undefined ? null : joinedMessages(c as AppContext, messages, messageFrames);
    const ids = connection === undefined ? null : new Set(connection);
    const filtered = ids !== null || wanted !== undefined;
    const wants = (entry: LifecycleEntry) =>
      (ids === null || ids.has(entry.connection)) &&
      (wanted === undefined || wanted.some((type) => type === entry.type));
    const snapshot = () => ({ at: timestamp(clock.wall()), total: registry.size, states: registry.count() });
    return (await answer(
      c,
      services,
      {
        log: lifecycle.all,
        wants: filtered ? wants : undefined,
        snapshot,
        hold: joining?.hold ?? (() => () => {}),
        joined: joining?.joined,
      },
      rest,
    )) as never;
  });
  const one = createRoute({
    method: "get",
    path: "/connections/{id}/events",
    middleware: [needs("connections:read")] as const,
    request: { params: idParameter, query: z.strictObject(query) },
    responses: answers,
  });
  app.openapi(one, async (c) => {
    const { registry } = c.get("tenant");
    const connection = registry.get(c.req.valid("param").id);
    const { types: wanted, ...rest } = c.req.valid("query");
    const wants =
      wanted === undefined ? undefined : (entry: Entry) => wanted.some((type) => type === entry.type);
    const snapshot = () => ({
      at: timestamp(clock.wall()),
      connection: connection.id,
      view: registry.view(connection),
    });
    return (await answer(
      c,
      services,
      { log: connection.log, wants, snapshot, hold: () => registry.hold(connection.id) },
      rest,
    )) as never;
  });
}

interface Query {
  readonly format?: StreamFormat | "json" | undefined;
  readonly lastEventId?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

async function answer<E extends Entry>(
  c: AppContext,
  services: Services,
  source: Source<E>,
  { format: asked, lastEventId, limit, after }: Query,
): Promise<Response> {
  const format = asked ?? negotiateFormat(c.req.header("accept"), ["sse", "ndjson", "json"]);
  if (format === null)
    throw new Problem(
      "not-acceptable",
      "Events come as text/event-stream, application/x-ndjson or application/json",
    );
  if (source.joined !== undefined) requireStream(format);
  // An event counts when it is kept, and what a caller knows to have happened comes neither late nor never.
  await c.get("tenant").lifecycle.settled();
  if (format === "json")
    return history(
      c,
      source,
      startOf(source.log, after === undefined || after === "" ? "earliest" : after),
      limit,
    );
  const { log, wants, snapshot, hold, joined } = source;
  const start = startOf(log, lastEventId ?? c.req.header("last-event-id"));
  // A resumed reader keeps its last id until it gets the next event: the snapshot must not move it past those.
  const first = [
    controlFrame(format, "snapshot", snapshot(), start.resumed ? undefined : log.idOf(start.after)),
  ];
  return live(c, services, {
    log,
    frames: c.get("tenant").lifecycle.frames,
    format,
    start,
    first,
    wants,
    joined,
    hold,
  });
}

function history<E extends Entry>(
  c: AppContext,
  { log, wants }: Source<E>,
  start: Start,
  limit: number,
): Response {
  const items: string[] = [];
  const beginning = log.idOf(start.after);
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
  if (start.gap !== null) c.get("tenant").counters.gaps.add(start.gap.reason);
  const gap = start.gap === null ? "" : `,"gap":${JSON.stringify(start.gap)}`;
  const body = `{"items":[${items.join(",")}],"next":${JSON.stringify(log.idOf(position))}${gap}}`;
  return c.body(body, 200, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "connack-last-event-id": beginning,
  });
}
