import { createRoute, z } from "@hono/zod-openapi";
import type { SubscriptionState } from "../src/connection/wanted.ts";
import { requireSubscribe } from "../src/access/forbidden.ts";
import { topicFilterSchema } from "../src/mqtt/fields.ts";
import type { ProtocolVersion } from "../src/mqtt/protocol-version.ts";
import { reasonName } from "../src/mqtt/reason.ts";
import { subscriptionSchema } from "../src/mqtt/subscription.ts";
import { Problem } from "../src/problem.ts";
import type { App, AppContext } from "./context.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, idParameter } from "./parameters.ts";
import { patienceOf, waitOn, waitParameter } from "./waiting.ts";

const waitQuery = z.strictObject({ wait: waitParameter });
/**
 * Percent-encoded in the path, slashes too; what is no filter is not there. URLs drop the segments `.` and `..`, and
 * cannot be as long as a filter, so that the collection takes `?topicFilter=` as well.
 */
const filterParameter = idParameter.extend({ filter: z.string() });

/** `…/subscriptions`: what a connection is subscribed to, kept across reconnects. */
export function mountSubscriptions(app: App): void {
  const post = createRoute({
    method: "post",
    path: "/connections/{id}/subscriptions",
    middleware: [needs("subscribe"), jsonBody()] as const,
    request: {
      params: idParameter,
      query: waitQuery,
      body: { required: true, content: { "application/json": { schema: subscriptionSchema } } },
    },
    responses: answers,
  });
  app.openapi(post, async (c) => {
    const { id } = c.req.valid("param");
    requireSubscribe(c.get("principal"), c.req.valid("json").topicFilter);
    const connection = c.get("tenant").registry.get(id);
    const { session } = connection;
    const subscription = c.req.valid("json");
    const patience = patienceOf(c, c.req.valid("query").wait);
    const { result, created } = await waitOn(c as AppContext, connection, () =>
      session.subscribe(subscription, patience),
    );
    const location = locationOf(id, subscription.topicFilter);
    const view = subscriptionView({ subscription, result }, session.protocolVersion ?? "5");
    return c.json(view, created ? 201 : 200, { location, "cache-control": "no-store" }) as never;
  });
  const list = createRoute({
    method: "get",
    path: "/connections/{id}/subscriptions",
    middleware: [needs("connections:read")] as const,
    request: { params: idParameter, query: z.strictObject({ topicFilter: z.string().optional() }) },
    responses: answers,
  });
  app.openapi(list, (c) => {
    const { session } = c.get("tenant").registry.get(c.req.valid("param").id);
    const { topicFilter } = c.req.valid("query");
    const version = session.protocolVersion ?? "5";
    const items = session.subscriptions
      .list()
      .filter(({ subscription }) => topicFilter === undefined || subscription.topicFilter === topicFilter)
      .map((state) => subscriptionView(state, version));
    return c.json({ items }, 200, { "cache-control": "no-store" }) as never;
  });
  mountOne(app);
}

function mountOne(app: App): void {
  const get = createRoute({
    method: "get",
    path: "/connections/{id}/subscriptions/{filter}",
    middleware: [needs("connections:read")] as const,
    request: { params: filterParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(get, (c) => {
    const { id, filter } = c.req.valid("param");
    const { session } = c.get("tenant").registry.get(id);
    const state = session.subscriptions.find(filter);
    if (state === null) throw unknownFilter();
    const view = subscriptionView(state, session.protocolVersion ?? "5");
    return c.json(view, 200, { "cache-control": "no-store" }) as never;
  });
  const remove = createRoute({
    method: "delete",
    path: "/connections/{id}/subscriptions/{filter}",
    middleware: [needs("subscribe")] as const,
    request: { params: filterParameter, query: waitQuery },
    responses: answers,
  });
  app.openapi(remove, (c) => {
    const { id, filter } = c.req.valid("param");
    return unsubscribe(c as AppContext, id, filter, c.req.valid("query").wait) as never;
  });
  const removeNamed = createRoute({
    method: "delete",
    path: "/connections/{id}/subscriptions",
    middleware: [needs("subscribe")] as const,
    request: { params: idParameter, query: waitQuery.extend({ topicFilter: z.string() }) },
    responses: answers,
  });
  app.openapi(removeNamed, (c) => {
    const { topicFilter, wait } = c.req.valid("query");
    return unsubscribe(c as AppContext, c.req.valid("param").id, topicFilter, wait) as never;
  });
}

async function unsubscribe(
  c: AppContext,
  id: string,
  filter: string,
  wait: number | undefined,
): Promise<Response> {
  const connection = c.get("tenant").registry.get(id);
  const { session } = connection;
  const parsed = topicFilterSchema.safeParse(filter);
  if (parsed.success) requireSubscribe(c.get("principal"), parsed.data);
  if (!parsed.success || session.subscriptions.find(filter) === null) throw unknownFilter();
  const patience = patienceOf(c, wait);
  await waitOn(c as AppContext, connection, () => session.unsubscribe(parsed.data, patience));
  return c.body(null, 204);
}

function unknownFilter(): Problem {
  return new Problem("not-found", "There is no subscription with this filter");
}

function locationOf(id: string, filter: string): string {
  return `/connections/${id}/subscriptions/${encodeURIComponent(filter)}`;
}

/** `grantedQos` and `reasonCode` are null as long as the broker has not answered on the present session. */
function subscriptionView({ subscription, result }: SubscriptionState, version: ProtocolVersion) {
  const granted = result !== null && result.reasonCode < 0x80;
  return {
    ...subscription,
    grantedQos: granted ? result.reasonCode : null,
    reasonCode: result?.reasonCode ?? null,
    reasonName: result === null ? null : reasonName("suback", result.reasonCode, version),
    ...(result === null || result.reasonString === null ? {} : { reasonString: result.reasonString }),
  };
}
