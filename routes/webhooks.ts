import { createRoute, z } from "@hono/zod-openapi";
import { requireDelivery } from "../src/access/request-rights.ts";
import { webhookPatchSchema, webhookRequestSchema } from "../src/webhooks/webhook.ts";
import type { WebhookView } from "../src/webhooks/view.ts";
import type { App, AppContext } from "./context.ts";
import { idempotent } from "./middleware/idempotency.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, idParameter, labelParameter, limitParameter } from "./parameters.ts";

const orderCursor = z.string().regex(/^[0-9a-z]{1,10}$/, "expected the cursor of an earlier page");
const bodyOf = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { "application/json": { schema } },
});

/** `/webhooks`: where messages and events are delivered to. */
export function mountWebhooks(app: App): void {
  const post = createRoute({
    method: "post",
    path: "/webhooks",
    middleware: [needs("connections:write"), jsonBody(), idempotent()] as const,
    request: { query: z.strictObject({}), body: bodyOf(webhookRequestSchema) },
    responses: answers,
  });
  app.openapi(post, async (c) => {
    const request = c.req.valid("json");
    requireDelivery(c.get("principal"), request);
    const { view, secret } = await c.get("tenant").webhooks.create(request);
    c.header("Location", view.links.self);
    return show(c, view, secret, 201) as never;
  });
  const list = createRoute({
    method: "get",
    path: "/webhooks",
    middleware: [needs("connections:read")] as const,
    request: {
      query: z.strictObject({
        label: labelParameter,
        limit: limitParameter,
        cursor: orderCursor.optional(),
      }),
    },
    responses: answers,
  });
  app.openapi(list, (c) => {
    const { label: labels, limit, cursor = null } = c.req.valid("query");
    const { webhooks } = c.get("tenant");
    const only = c.env?.onlyWebhooks;
    if (only !== undefined) return showPage(c, { items: webhooks.views(only), next: null }) as never;
    return showPage(c, webhooks.list({ labels, limit, after: cursor })) as never;
  });
  mountOne(app);
}

function mountOne(app: App): void {
  const get = createRoute({
    method: "get",
    path: "/webhooks/{id}",
    middleware: [needs("connections:read")] as const,
    request: { params: idParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(
    get,
    (c) => show(c, c.get("tenant").webhooks.view(c.req.valid("param").id), null, 200) as never,
  );
  const patch = createRoute({
    method: "patch",
    path: "/webhooks/{id}",
    middleware: [needs("connections:write"), jsonBody()] as const,
    request: { params: idParameter, query: z.strictObject({}), body: bodyOf(webhookPatchSchema) },
    responses: answers,
  });
  app.openapi(patch, async (c) => {
    const { webhooks } = c.get("tenant");
    const { id } = c.req.valid("param");
    const request = c.req.valid("json");
    // As it is and as it will be: with another address, or another secret, what it has already is read by somebody else.
    const { view, secret } = await webhooks.patch(id, request, (before) => {
      requireDelivery(c.get("principal"), before);
      requireDelivery(c.get("principal"), { topics: request.topics ?? [], events: request.events ?? [] });
    });
    return show(c, view, secret, 200) as never;
  });
  const remove = createRoute({
    method: "delete",
    path: "/webhooks/{id}",
    middleware: [needs("connections:write")] as const,
    request: { params: idParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(remove, async (c) => {
    await c.get("tenant").webhooks.remove(c.req.valid("param").id);
    return c.body(null, 204) as never;
  });
}

/** `secret` is one that was generated for this call, and is shown this once. */
function show(c: AppContext, view: WebhookView, secret: string | null, status: 200 | 201): Response {
  c.header("Cache-Control", "no-store");
  return c.json({ ...view, ...(secret === null ? {} : { secret }) }, status);
}

/** Answers with a page, and says where the next one is. */
export function showPage(
  c: AppContext,
  page: { readonly items: readonly object[]; readonly next: string | null },
): Response {
  if (page.next !== null) {
    const url = new URL(c.req.url);
    url.searchParams.set("cursor", page.next);
    c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  c.header("Cache-Control", "no-store");
  return c.json(page);
}
