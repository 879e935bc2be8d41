import { createRoute, z } from "@hono/zod-openapi";
import { requireSubscribe } from "../src/access/forbidden.ts";
import type { TopicFilter } from "../src/mqtt/topic.ts";
import { messageView } from "../src/connection/messages.ts";
import { filterableNameSchema } from "../src/mqtt/fields.ts";
import type { App, AppContext } from "./context.ts";
import { callSignal } from "./middleware/call-signal.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, idParameter } from "./parameters.ts";
import { payloadResponse } from "./payload.ts";
import { waitOn, waitParameter } from "./waiting.ts";

/** Brokers send retained messages right after SUBACK, and say nothing where there is none. */
const defaultWaitSeconds = 2;

/** `GET …/retained?topic=`: the retained message of one topic (MQTT 5 §3.3.1.3). */
export function mountRetained(app: App): void {
  const route = createRoute({
    method: "get",
    path: "/connections/{id}/retained",
    middleware: [needs("subscribe")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({
        topic: filterableNameSchema,
        wait: waitParameter,
        format: z.enum(["payload", "json"]).default("payload"),
      }),
    },
    responses: answers,
  });
  app.openapi(route, async (c) => {
    const connection = c.get("tenant").registry.get(c.req.valid("param").id);
    const { topic, wait, format } = c.req.valid("query");
    requireSubscribe(c.get("principal"), topic as string as TopicFilter);
    const waitMs = Math.max(1, Math.round((wait ?? defaultWaitSeconds) * 1_000));
    const message = await waitOn(c as AppContext, connection, () =>
      connection.session.readRetained(topic, { waitMs, signal: callSignal(c) }),
    );
    if (format === "json") return c.json(messageView(message), 200, { "cache-control": "no-store" }) as never;
    return payloadResponse(c as AppContext, message.payload, message.properties.contentType) as never;
  });
}
