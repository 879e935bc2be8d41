import { createRoute, z } from "@hono/zod-openapi";
import type { Connection } from "../src/connection/connection.ts";
import type { MessageEntry } from "../src/connection/messages.ts";
import { contentTypeOf, inForm, payloadOf } from "../src/connection/payload-forms.ts";
import { requireSubscribe } from "../src/access/forbidden.ts";
import type { Principal } from "../src/access/principal.ts";
import { readableTopics } from "../src/access/request-rights.ts";
import { deadline } from "../src/deadline.ts";
import { topicFilterSchema } from "../src/mqtt/fields.ts";
import { payloadFormSchema, type PayloadForm } from "../src/mqtt/message.ts";
import { matches, type TopicFilter } from "../src/mqtt/topic.ts";
import { Problem } from "../src/problem.ts";
import { FrameCache, untypedForm } from "../src/stream/frame.ts";
import type { App, AppContext, Services } from "./context.ts";
import { tokenIsOver } from "./middleware/unauthorized.ts";
import { callSignal, isTokenOver } from "./middleware/call-signal.ts";
import { negotiateFormat, startOf, type Start } from "./event-start.ts";
import { live } from "./live.ts";
import { awaitPage, pageBody, readPage, type PageQuery } from "./messages-page.ts";
import { answers, idParameter, limitParameter } from "./parameters.ts";
import { payloadResponse } from "./payload.ts";
import { needs } from "./middleware/scopes.ts";
import { holdParameter, patienceOf, waitOn } from "./waiting.ts";

const querySchema = z.strictObject({
  after: z.string().max(128).optional(),
  lastEventId: z.string().max(128).optional(),
  limit: limitParameter,
  wait: holdParameter,
  topic: topicFilterSchema.optional(),
  payload: payloadFormSchema.default("auto"),
  format: z.enum(["json", "sse", "ndjson"]).optional(),
  subscribe: topicFilterSchema.optional(),
  qos: z
    .enum(["0", "1", "2"], "expected 0, 1 or 2")
    .transform((text) => Number(text) as 0 | 1 | 2)
    .optional(),
});

type Query = z.output<typeof querySchema>;

/** Encoded messages, for all connections, by the form of their payload. */
type Frames = Readonly<Record<PayloadForm, FrameCache<MessageEntry>>>;

/** `GET …/messages`: what arrived, as a page, by long poll, or live; and `…/messages/{mid}/payload`. */
export function mountMessages(app: App, services: Services): void {
  const framesOf = (form: PayloadForm) =>
    new FrameCache<MessageEntry>(untypedForm((entry) => inForm(entry, form)));
  const frames: Frames = { auto: framesOf("auto"), base64: framesOf("base64"), json: framesOf("json") };
  const route = createRoute({
    method: "get",
    path: "/connections/{id}/messages",
    middleware: [needs("subscribe")] as const,
    request: { params: idParameter, query: querySchema },
    responses: answers,
  });
  app.openapi(route, async (c) => {
    const connection = c.get("tenant").registry.get(c.req.valid("param").id);
    const query = c.req.valid("query");
    checkQuery(query);
    const format = query.format ?? negotiateFormat(c.req.header("accept"), ["json", "sse", "ndjson"]);
    if (format === null)
      throw new Problem(
        "not-acceptable",
        "Messages come as application/json, text/event-stream or application/x-ndjson",
      );
    const { log } = connection.session.messages;
    if (format !== "json") refuseOfPages(c as AppContext);
    const resumed = query.lastEventId ?? c.req.header("last-event-id");
    const asked = format === "json" ? (query.after ?? resumed) : resumed;
    // Before subscribing: what the broker sends at once belongs to the answer.
    const first = beginning(log, asked ?? query.after, format === "json" && query.subscribe === undefined);
    const release = await subscribed(c as AppContext, connection, query);
    const start = stillThere(log, first);
    if (format === "json") return pageAnswer(c as AppContext, services, connection, query, start, release);
    const hold = () => {
      const letIdle = c.get("tenant").registry.hold(connection.id);
      return () => {
        letIdle();
        release();
      };
    };
    try {
      const options = {
        log,
        frames: frames[query.payload],
        format,
        start,
        wants: wantsOf(query, c.get("principal")),
        hold,
      };
      return live(c as AppContext, services, options) as never;
    } catch (error) {
      release();
      throw error;
    }
  });
  mountPayload(app);
}

function mountPayload(app: App): void {
  const route = createRoute({
    method: "get",
    path: "/connections/{id}/messages/{mid}/payload",
    middleware: [needs("subscribe")] as const,
    request: { params: idParameter.extend({ mid: z.string() }), query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(route, (c) => {
    const { id, mid } = c.req.valid("param");
    const entry = c.get("tenant").registry.get(id).session.messages.find(mid);
    const mayRead = readableTopics(c.get("principal")) ?? (() => true);
    // What may not be seen is not there.
    if (entry === null || !mayRead(entry.topic))
      throw new Problem("not-found", "There is no message with this id; the oldest go when the log is full");
    return payloadResponse(c as AppContext, payloadOf(entry), contentTypeOf(entry)) as never;
  });
}

/** A stream has no pages: whoever asks for one would wait for its end. */
function refuseOfPages(c: AppContext): void {
  for (const parameter of ["limit", "wait"]) {
    if (c.req.query(parameter) === undefined) continue;
    const detail = "has a meaning only with pages of JSON, not with streams";
    throw new Problem("invalid-request", {
      detail: `${parameter}: ${detail}`,
      errors: [{ parameter, detail }],
    });
  }
}

function checkQuery({ subscribe, qos }: Query): void {
  if (qos === undefined || subscribe !== undefined) return;
  const detail = "has a meaning only with subscribe";
  throw new Problem("invalid-request", {
    detail: `qos: ${detail}`,
    errors: [{ parameter: "qos", detail }],
  });
}

/** After a cursor; without one, where the log begins or, `fromOldest` not, where it ends. `latest` is the end, too. */
function beginning(
  log: Connection["session"]["messages"]["log"],
  cursor: string | undefined,
  fromOldest: boolean,
): Start {
  const none = cursor === undefined || cursor === "";
  if (cursor === "latest") return startOf(log, undefined);
  return startOf(log, none ? (fromOldest ? "earliest" : undefined) : cursor);
}

/** The broker may have sent more at once than the log keeps. */
function stillThere(log: Connection["session"]["messages"]["log"], start: Start): Start {
  const now = startOf(log, log.idOf(start.after));
  return now.gap === null ? start : { ...now, gap: start.gap ?? now.gap };
}

/** Subscribes for the length of the call, where that is asked for. */
async function subscribed(
  c: AppContext,
  connection: Connection,
  { subscribe, qos }: Query,
): Promise<() => void> {
  if (subscribe === undefined || c.req.method === "HEAD") return () => {};
  requireSubscribe(c.get("principal"), subscribe);
  const subscription = { topicFilter: subscribe, qos: qos ?? 0 } as const;
  const patience = patienceOf(c, undefined);
  return waitOn(c, connection, () => connection.session.hold(subscription, patience));
}

async function pageAnswer(
  c: AppContext,
  { stopping }: Services,
  { id, session }: Connection,
  query: Query,
  start: Start,
  release: () => void,
): Promise<never> {
  const { log } = session.messages;
  const { limit, wait, payload } = query;
  const page: PageQuery = {
    limit,
    wants: wantsOf(query, c.get("principal")),
    show: (entry) => inForm(entry, payload),
  };
  const { registry, waits } = c.get("tenant");
  const letIdle = registry.hold(id);
  try {
    const read = async () => {
      if (wait === 0 || c.req.method === "HEAD") return readPage(log, start, page);
      using over = deadline(wait * 1_000, callSignal(c), stopping);
      return await waits.during(c.env?.holdOpen, () => awaitPage(log, start, page, over.signal));
    };
    const body = pageBody(await read());
    if (isTokenOver(c)) throw tokenIsOver();
    if (start.gap !== null) c.get("tenant").counters.gaps.add(start.gap.reason);
    return c.body(body, 200, { "content-type": "application/json", "cache-control": "no-store" }) as never;
  } finally {
    letIdle();
    release();
  }
}

/** Those that fit `topic`, and the filter that is subscribed for the call, and that the principal may see. */
function wantsOf(
  { topic, subscribe }: Query,
  principal: Principal,
): ((entry: MessageEntry) => boolean) | undefined {
  const filters: TopicFilter[] = [topic, subscribe].filter((filter) => filter !== undefined);
  const mayRead = readableTopics(principal);
  if (filters.length === 0) return mayRead && ((entry) => mayRead(entry.topic));
  return (entry) =>
    filters.every((filter) => matches(filter, entry.topic)) &&
    (mayRead === undefined || mayRead(entry.topic));
}
