import { createRoute, z } from "@hono/zod-openapi";
import { mayPublish } from "../src/access/topic-rights.ts";
import type { Outbox } from "../src/connection/outbox.ts";
import type { TopicName } from "../src/mqtt/topic.ts";
import { Problem } from "../src/problem.ts";
import { answered } from "../src/store/answered.ts";
import type { App, AppContext } from "./context.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, idParameter, limitParameter } from "./parameters.ts";

const messageParameter = idParameter.extend({ message: z.string().max(128) });
const states = ["queued", "sent", "delivered", "expired", "rejected"] as const;

/** `GET …/outbox`, `GET` and `DELETE …/outbox/{message}`: what was accepted by `?queue=`, and what became of it. */
export function mountOutbox(app: App): void {
  const list = createRoute({
    method: "get",
    path: "/connections/{id}/outbox",
    middleware: [needs("publish")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({
        state: z.enum(states).optional(),
        limit: limitParameter,
        after: z.string().max(128).optional(),
      }),
    },
    responses: answers,
  });
  app.openapi(list, (c) => {
    const { outbox } = c.get("tenant").registry.get(c.req.valid("param").id).session.parts;
    const { state, after, limit } = c.req.valid("query");
    c.header("Cache-Control", "no-store");
    // A connection that keeps nothing has an empty one.
    return c.json(
      outbox?.list(state, after, limit, (topic) => mayPublish(c.get("principal"), topic)) ?? {
        items: [],
        next: null,
      },
    ) as never;
  });
  const one = createRoute({
    method: "get",
    path: "/connections/{id}/outbox/{message}",
    middleware: [needs("publish")] as const,
    request: { params: messageParameter },
    responses: answers,
  });
  app.openapi(one, (c) => {
    const { id, message } = c.req.valid("param");
    c.header("Cache-Control", "no-store");
    return c.json(outboxWith(c as AppContext, id, message).get(message)) as never;
  });
  const remove = createRoute({
    method: "delete",
    path: "/connections/{id}/outbox/{message}",
    middleware: [needs("publish")] as const,
    request: { params: messageParameter },
    responses: answers,
  });
  app.openapi(remove, async (c) => {
    const { id, message } = c.req.valid("param");
    await answered(outboxWith(c as AppContext, id, message).remove(message));
    return c.body(null, 204) as never;
  });
}

/**
 * The outbox that has a message which the principal may publish.
 *
 * @throws {Problem} `not-found`
 */
function outboxWith({ var: { tenant, principal } }: AppContext, id: string, message: string): Outbox {
  const { outbox } = tenant.registry.get(id).session.parts;
  // What may not be published by the principal is not there for it.
  if (outbox === null || !mayPublish(principal, outbox.get(message)["topic"] as TopicName))
    throw new Problem("not-found", "There is no message with this id in the outbox");
  return outbox;
}
