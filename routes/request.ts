import { createRoute, z } from "@hono/zod-openapi";
import { filterableNameSchema } from "../src/mqtt/fields.ts";
import { payloadBytes, publishFields, publishPropertiesSchema } from "../src/mqtt/message.ts";
import { messageView } from "../src/connection/messages.ts";
import { requirePublish } from "../src/access/forbidden.ts";
import { requireReading } from "../src/access/request-rights.ts";
import type { TopicFilter } from "../src/mqtt/topic.ts";
import { qosSchema } from "../src/mqtt/qos.ts";
import { roundMs } from "../src/connection/view.ts";
import type { App, AppContext, Services } from "./context.ts";
import { callSignal } from "./middleware/call-signal.ts";
import { idempotent } from "./middleware/idempotency.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, flag, idParameter } from "./parameters.ts";
import { payloadResponse } from "./payload.ts";
import { checkPayload } from "./publish-options.ts";
import { waitOn } from "./waiting.ts";

const mostMs = 60_000;

/** A request: a message to publish, whose response topic and correlation data are Connack's to set. */
const requestSchema = publishFields
  .omit({ qos: true, properties: true })
  .extend({
    qos: qosSchema.default(1),
    properties: publishPropertiesSchema.omit({ responseTopic: true, correlationData: true }).optional(),
    responseTopic: filterableNameSchema.optional(),
    timeoutMs: z
      .int("expected a whole number of milliseconds")
      .min(1, `expected 1 to ${mostMs}`)
      .max(mostMs, `expected 1 to ${mostMs}`)
      .default(10_000),
  })
  .transform(({ payload, payloadEncoding, ...rest }, context) => {
    const bytes = payloadBytes(payload, payloadEncoding);
    if (typeof bytes !== "string") return { ...rest, payload: bytes };
    context.addIssue({ code: "custom", path: ["payload"], message: bytes });
    return z.NEVER;
  });

/** `POST …/request`: publishes, and answers with the response (MQTT 5 §4.10). */
export function mountRequest(app: App, services: Services): void {
  const { clock, maxPayloadBytes } = services;
  const route = createRoute({
    method: "post",
    path: "/connections/{id}/request",
    middleware: [needs("publish"), jsonBody(), idempotent("plain")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({ raw: flag }),
      body: { required: true, content: { "application/json": { schema: requestSchema } } },
    },
    responses: answers,
  });
  app.openapi(route, async (c) => {
    const connection = c.get("tenant").registry.get(c.req.valid("param").id);
    const { timeoutMs, responseTopic, ...message } = c.req.valid("json");
    const principal = c.get("principal");
    requirePublish(principal, message.topic);
    // Before version 5 the next message there is the response, whoever published it.
    if (responseTopic !== undefined) requireReading(principal, responseTopic as string as TopicFilter);
    checkPayload(message.payload, maxPayloadBytes);
    const started = clock.monotonic();
    const patience = { waitMs: timeoutMs, signal: callSignal(c) };
    const call = { message: { ...message, properties: message.properties }, responseTopic };
    const response = await waitOn(c as AppContext, connection, () =>
      connection.session.request(call, patience),
    );
    const ms = roundMs(clock.monotonic() - started);
    if (c.req.valid("query").raw)
      return payloadResponse(c as AppContext, response.payload, response.properties.contentType) as never;
    return c.json({ message: messageView(response), ms }, 200, { "cache-control": "no-store" }) as never;
  });
}
