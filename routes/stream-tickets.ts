import { createRoute, z } from "@hono/zod-openapi";
import { isTicketPath } from "../src/access/tickets.ts";
import { timestamp } from "../src/clock.ts";
import { requireAccessControl } from "./access-control.ts";
import type { App, Services } from "./context.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { answers, idParameter } from "./parameters.ts";

const ticketRequestSchema = z.strictObject({
  path: z
    .string()
    .refine(
      isTicketPath,
      "expected /events, /connections/{id}/events or /connections/{id}/messages, without a query",
    ),
});

/** `/stream-tickets`: short-lived, for one path, for callers that cannot send a header. */
export function mountTickets(app: App, { access }: Services): void {
  app.use("/stream-tickets", requireAccessControl(access));
  app.use("/stream-tickets/:id", requireAccessControl(access));
  const post = createRoute({
    method: "post",
    path: "/stream-tickets",
    middleware: [jsonBody()] as const,
    request: {
      query: z.strictObject({}),
      body: { required: true, content: { "application/json": { schema: ticketRequestSchema } } },
    },
    responses: answers,
  });
  app.openapi(post, async (c) => {
    const { ticket, secret, kept } = access.tickets.create(c.get("principal"), c.req.valid("json").path);
    if (kept !== null) await kept;
    const { id, path, expiresAt } = ticket;
    c.header("Location", `/stream-tickets/${id}`);
    c.header("Cache-Control", "no-store");
    return c.json({ id, ticket: secret, path, expiresAt: timestamp(expiresAt) }, 201) as never;
  });
  const remove = createRoute({
    method: "delete",
    path: "/stream-tickets/{id}",
    request: { params: idParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(remove, async (c) => {
    const gone = access.tickets.revoke(c.req.valid("param").id, c.get("principal"));
    if (gone !== null) await gone;
    return c.body(null, 204) as never;
  });
}
