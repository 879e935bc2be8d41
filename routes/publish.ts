import { createRoute } from "@hono/zod-openapi";
import type { Connection } from "../src/connection/connection.ts";
import type { Publisher } from "../src/connection/publisher.ts";
import { publishSchema, type PublishMessage } from "../src/mqtt/message.ts";
import { Problem } from "../src/problem.ts";
import type { HoldOpen } from "../src/waits.ts";
import type { App, AppContext, Services } from "./context.ts";
import { idempotent } from "./middleware/idempotency.ts";
import { problemResponse } from "./middleware/problems.ts";
import { answers, idParameter } from "./parameters.ts";
import { membersOf, resultOf, statusOf } from "./publish-answer.ts";
import { publishAll, publishNow } from "./publish-batch.ts";
import { parseJson, readBody } from "./publish-body.ts";
import { readMessage } from "./publish-message.ts";
import { inParameters, readRawMessage } from "./publish-options.ts";
import { invalidParameters, readQuery, readWait, waitOfForm, type Query } from "./publish-query.ts";
import { publishStream } from "./publish-stream.ts";

/** A wait that is shorter ends before the runtime's limit on silence, which costs something to lift. */
const shortWaitMs = 25_000;

const mostMessages = 1_000;

const jsonType = /^application\/([a-z.-]+\+)?json\s*(;|$)/i;
const linesType = /^application\/x-ndjson\s*(;|$)/i;

/** Outlives every caller. */
const nobody = { signal: new AbortController().signal };

/** `POST /connections/{id}/publish`: a raw payload, JSON, or a message a line. */
export function mountPublish(app: App, services: Services): void {
  const { registry, idempotency } = services;
  // By hand, since the three forms are told apart by query and media type, and this path is the busiest.
  app.openAPIRegistry.registerPath(
    createRoute({
      method: "post",
      path: "/connections/{id}/publish",
      request: { params: idParameter, body: { content: { "application/json": { schema: publishSchema } } } },
      responses: answers,
    }),
  );
  const replaying = idempotent(idempotency);
  app.post("/connections/:id/publish", async (c) => {
    const connection = registry.get(c.req.param("id"));
    const query = readQuery(c.req.url);
    const type = c.req.header("content-type");
    const isRaw = query.has("topic");
    if (!isRaw && type !== undefined && linesType.test(type))
      return publishStream(c, services, connection, query);
    if (!isRaw) checkType(type);
    const { maxBodyBytes, maxPayloadBytes } = services;
    const limit = isRaw
      ? { name: "CONNACK_MAX_PAYLOAD_BYTES", value: maxPayloadBytes }
      : { name: "CONNACK_MAX_BODY_BYTES", value: maxBodyBytes };
    const body = await readBody(c.req.raw, limit);
    const publish = isRaw ? publishRaw : publishJson;
    if (c.req.header("idempotency-key") === undefined)
      return publish(c, services, connection, query, body, c.req.raw);
    c.set("body", body);
    // What is begun goes on without its caller, so that the key has an answer when the call is made again.
    const replayed = await replaying(c, () =>
      settle(c, () => publish(c, services, connection, query, body, nobody)),
    );
    return replayed ?? c.res;
  });
}

/** The response, be it of a problem, where a middleware looks for it. */
async function settle(c: AppContext, publish: () => Promise<Response>): Promise<void> {
  try {
    c.res = await publish();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    c.error = error;
    c.res = problemResponse(c, error);
  }
}

type Caller = { readonly signal: AbortSignal };

async function publishRaw(
  c: AppContext,
  services: Services,
  { session }: Connection,
  query: Query,
  body: Buffer,
  caller: Caller,
): Promise<Response> {
  const waitMs = readWait(c, query.get("wait"));
  const { publisher, protocolVersion } = session;
  const { message, sources } = readRawMessage(query, c.req.raw.headers, body, protocolVersion);
  try {
    return await publishOne(c, services, publisher, message, waitMs, caller);
  } catch (error) {
    throw error instanceof Problem ? inParameters(error, sources) : error;
  }
}

async function publishJson(
  c: AppContext,
  services: Services,
  { session: { publisher } }: Connection,
  query: Query,
  body: Buffer,
  caller: Caller,
): Promise<Response> {
  const waitMs = waitOfForm(c, query);
  const value = parseJson(body);
  const { maxPayloadBytes, waits } = services;
  if (!Array.isArray(value)) {
    const message = readMessage(value, maxPayloadBytes);
    if (message instanceof Problem) throw message;
    return publishOne(c, services, publisher, message, waitMs, caller);
  }
  if (value.length === 0 || value.length > mostMessages) {
    const detail = `expected 1 to ${mostMessages} messages`;
    throw new Problem("invalid-request", { detail, errors: [{ pointer: "", detail }] });
  }
  const messages = value.map((one, index) => readMessage(one, maxPayloadBytes, [index]));
  const outcomes = await waits.during(holdOpenFor(c, waitMs), () =>
    publishAll(publisher, messages, waitMs, caller),
  );
  return c.body(`{"results":[${outcomes.map(resultOf).join(",")}]}`, 207, jsonHeaders);
}

const jsonHeaders = { "content-type": "application/json" };

async function publishOne(
  c: AppContext,
  { waits }: Services,
  publisher: Publisher,
  message: PublishMessage,
  waitMs: number,
  caller: Caller,
): Promise<Response> {
  const now = message.qos === 0 ? publishNow(publisher, message) : null;
  if (now instanceof Problem) throw now;
  const published =
    now ?? (await waits.during(holdOpenFor(c, waitMs), () => publisher.publish(message, waitMs, caller)));
  return c.body(`{${membersOf(published)}}`, statusOf(published), jsonHeaders);
}

/** @throws {Problem} `unsupported-media-type`; `invalid-request` where the body could be a payload without its topic */
function checkType(type: string | undefined): void {
  if (type === undefined)
    throw invalidParameters([{ parameter: "topic", detail: "is missing; with it, the body is the payload" }]);
  if (jsonType.test(type)) return;
  throw new Problem(
    "unsupported-media-type",
    `This call reads a payload of any type with ?topic=, application/json, or application/x-ndjson; not ${type.slice(0, 100)}`,
  );
}

function holdOpenFor(c: AppContext, waitMs: number): HoldOpen | undefined {
  return waitMs > shortWaitMs ? c.env?.holdOpen : undefined;
}
