import { createRoute } from "@hono/zod-openapi";
import { requireScope } from "../src/access/forbidden.ts";
import type { Caller, Published } from "../src/connection/publisher.ts";
import type { Connection } from "../src/connection/connection.ts";
import { publishSchema, type PublishMessage } from "../src/mqtt/message.ts";
import { isAnyone } from "../src/access/principal.ts";
import { publishRefusal } from "../src/access/request-rights.ts";
import { Problem } from "../src/problem.ts";
import type { HoldOpen } from "../src/waits.ts";
import type { App, AppContext, Services } from "./context.ts";
import { callSignal, isTokenOver, whileAllowed } from "./middleware/call-signal.ts";
import { tokenIsOver } from "./middleware/unauthorized.ts";
import { idempotencyKeyOf, idempotent } from "./middleware/idempotency.ts";
import { problemResponse } from "./middleware/problems.ts";
import { JsonHeaders } from "./middleware/response-headers.ts";
import { requestIdHeader, saidIn } from "./middleware/request-id.ts";
import { answers, idParameter } from "./parameters.ts";
import { membersOf, resultOf, statusOf, type Outcome } from "./publish-answer.ts";
import { publishAll, publishNow } from "./publish-batch.ts";
import { parseJson, readBody } from "./publish-body.ts";
import { readMessage, type MessageRules } from "./publish-message.ts";
import { inParameters, readRawMessage } from "./publish-options.ts";
import { enqueue, enqueueAll } from "./publish-queue.ts";
import {
  invalidParameters,
  readQuery,
  readQueue,
  readWait,
  refuseOptions,
  type Query,
} from "./publish-query.ts";
import { publishStream } from "./publish-stream.ts";
import { enterWait, waitOf } from "./waiting.ts";

/** A wait that is shorter ends before the runtime's limit on silence, which costs something to lift. */
const shortWaitMs = 25_000;

const mostMessages = 1_000;

const jsonType = /^application\/([a-z.-]+\+)?json\s*(;|$)/i;
/** What curl sends unless told: whoever sends it has thought of no type. */
const formType = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const linesType = /^application\/x-ndjson\s*(;|$)/i;

/** Outlives every caller, and his right to be here. */
const nobody = { signal: new AbortController().signal };

/** `POST /connections/{id}/publish`: a raw payload, JSON, or a message a line. */
export function mountPublish(app: App, services: Services): void {
  // By hand, since the three forms are told apart by query and media type, and this path is the busiest.
  app.openAPIRegistry.registerPath(
    createRoute({
      method: "post",
      path: "/connections/{id}/publish",
      request: { params: idParameter, body: { content: { "application/json": { schema: publishSchema } } } },
      responses: answers,
    }),
  );
  const replaying = idempotent("plain");
  const answered = new JsonHeaders();
  app.post("/connections/:id/publish", async (c) => {
    const principal = c.get("principal");
    requireScope(principal, "publish");
    const connection = c.get("tenant").registry.get(c.req.param("id"));
    const query = readQuery(c.req.url);
    const { headers } = c.req.raw;
    const type = headers.get("content-type");
    const isRaw = query.has("topic");
    if (!isRaw && type !== null && linesType.test(type)) {
      saidIn(c);
      return publishStream(c, services, connection, query);
    }
    if (!isRaw) checkType(type);
    const { maxBodyBytes, maxPayloadBytes } = services;
    const rules = { maxPayloadBytes, refusal: publishRefusal(principal) };
    const limit = isRaw
      ? { name: "CONNACK_MAX_PAYLOAD_BYTES", value: maxPayloadBytes }
      : { name: "CONNACK_MAX_BODY_BYTES", value: maxBodyBytes };
    const read = () => readBody(c.req.raw, limit, c.get("tenant").budgets.bodyBytes);
    const body = await (c.env?.inTime?.(read) ?? read());
    const publish = isRaw ? publishRaw : publishJson;
    const call = {
      c,
      services,
      connection,
      query,
      body,
      rules,
      headers: answered.of(c.get("rate")),
      caller: callerOf(c),
    };
    if (!headers.has("idempotency-key")) return publish(call);
    c.set("body", body);
    saidIn(c);
    // What is begun goes on without its caller, so that the key has an answer when the call is made again.
    const replayed = await replaying(c, () => settle(c, () => publish({ ...call, caller: nobody })));
    return replayed ?? c.res;
  });
}

/** The response, be it of a problem, where a middleware looks for it. */
async function settle(c: AppContext, publish: () => Response | Promise<Response>): Promise<void> {
  try {
    c.res = await publish();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    c.error = error;
    c.res = problemResponse(c, error);
  }
}

interface Call {
  readonly c: AppContext;
  readonly services: Services;
  readonly connection: Connection;
  readonly query: Query;
  readonly body: Buffer;
  /** Of the answer, but for what is of this call alone. */
  readonly headers: Headers;
  readonly rules: MessageRules;
  readonly caller: Caller;
}

/** Whoever calls, who may go, or whose right may end. Not every call asks: there are many of them. */
function callerOf(c: AppContext): Call["caller"] {
  if (isAnyone(c.get("principal"))) return c.req.raw;
  return {
    get signal() {
      return callSignal(c);
    },
    over: () => (isTokenOver(c) ? tokenIsOver() : null),
  };
}

/** How long the call waits for the broker; or how long the message may, and the call does not. */
interface When {
  readonly wait: number | undefined;
  readonly queue: number | undefined;
}

function readWhen(query: Query): When {
  const when = { wait: readWait(query), queue: readQueue(query) };
  if (when.wait !== undefined && when.queue !== undefined)
    throw invalidParameters([
      { parameter: "wait", detail: "means nothing with queue: the answer comes at once" },
    ]);
  return when;
}

/** Answers at once, without a promise, where it can: there are many of these. */
function publishRaw(call: Call): Response | Promise<Response> {
  const { c, connection, query, body, rules } = call;
  const when = readWhen(query);
  const { message, sources } = readRawMessage(
    query,
    c.req.raw.headers,
    body,
    connection.session.protocolVersion,
  );
  const refused = rules.refusal?.(message.topic) ?? null;
  if (refused !== null) throw refused;
  if (sources.size === 0) return publishOne(call, message, when);
  return inTermsOf(sources, () => publishOne(call, message, when));
}

async function inTermsOf(
  sources: ReadonlyMap<string, string>,
  publish: () => Response | Promise<Response>,
): Promise<Response> {
  try {
    return await publish();
  } catch (error) {
    throw error instanceof Problem ? inParameters(error, sources) : error;
  }
}

function publishJson(call: Call): Response | Promise<Response> {
  const { c, query, body, rules } = call;
  refuseOptions(query, c.req.raw.headers);
  const when = readWhen(query);
  const value = parseJson(body);
  if (Array.isArray(value)) return publishArray(call, value, when);
  const message = readMessage(value, rules);
  if (message instanceof Problem) throw message;
  return publishOne(call, message, when);
}

async function publishArray(
  { c, rules, connection, caller }: Call,
  values: readonly unknown[],
  { wait, queue }: When,
): Promise<Response> {
  if (values.length === 0 || values.length > mostMessages) {
    const detail = `expected 1 to ${mostMessages} messages`;
    throw new Problem("invalid-request", { detail, errors: [{ pointer: "", detail }] });
  }
  saidIn(c);
  const messages = values.map((one, index) => readMessage(one, rules, [index]));
  if (queue !== undefined) {
    const results = await enqueueAll(connection, messages, queue, idempotencyKeyOf(c));
    return c.body(`{"results":[${results.join(",")}]}`, 207, jsonHeaders);
  }
  const waitMs = waitOf(c, wait);
  const leave = enterWait(c.get("tenant"), connection, holdOpenFor(c, waitMs));
  let outcomes: readonly Outcome[];
  try {
    const published = publishAll(connection.session.publisher, messages, waitMs, caller);
    outcomes = await (caller === nobody ? published : whileAllowed(c, published));
  } finally {
    leave();
  }
  return c.body(`{"results":[${outcomes.map(resultOf).join(",")}]}`, 207, jsonHeaders);
}

const jsonHeaders = { "content-type": "application/json" };

function publishOne(
  call: Call,
  message: PublishMessage,
  { wait, queue }: When,
): Response | Promise<Response> {
  if (queue !== undefined) return publishQueued(call, message, queue);
  if (message.qos > 0) return publishAcknowledged(call, message, wait);
  const outcome = publishNow(call.connection.session.publisher, message);
  if (outcome instanceof Problem) throw outcome;
  return outcome === null ? publishAcknowledged(call, message, wait) : answerOf(call, outcome);
}

async function publishQueued({ c, connection }: Call, message: PublishMessage, queue: number) {
  const accepted = await enqueue(connection, message, queue, idempotencyKeyOf(c));
  const location = `/connections/${connection.id}/outbox/${String(accepted["id"])}`;
  return new Response(JSON.stringify(accepted), {
    status: 202,
    headers: { ...jsonHeaders, location, [requestIdHeader]: c.get("requestId") },
  });
}

/** One function that waits, and no more: there are many of these at once. */
async function publishAcknowledged(
  call: Call,
  message: PublishMessage,
  wait: number | undefined,
): Promise<Response> {
  const { c, connection, caller } = call;
  const waitMs = waitOf(c, wait);
  const leave = enterWait(c.get("tenant"), connection, holdOpenFor(c, waitMs));
  try {
    const published = connection.session.publisher.publish(message, waitMs, caller);
    return answerOf(call, await published);
  } finally {
    leave();
  }
}

/** Not by the framework, which would make the headers anew. */
function answerOf({ c, headers }: Call, published: Published): Response {
  const response = new Response(`{${membersOf(published)}}`, { status: statusOf(published), headers });
  response.headers.set(requestIdHeader, c.get("requestId"));
  return response;
}

/** @throws {Problem} `unsupported-media-type`; `invalid-request` where the body could be a payload without its topic */
function checkType(type: string | null): void {
  if (type === null || formType.test(type)) {
    const detail =
      "is missing; with it the body is the payload, and without it the body is application/json or application/x-ndjson";
    throw invalidParameters([{ parameter: "topic", detail }]);
  }
  if (jsonType.test(type)) return;
  throw new Problem(
    "unsupported-media-type",
    `This call reads a payload of any type with ?topic=, application/json, or application/x-ndjson; not ${type.slice(0, 100)}`,
  );
}

function holdOpenFor(c: AppContext, waitMs: number): HoldOpen | undefined {
  return waitMs > shortWaitMs ? c.env?.holdOpen : undefined;
}
