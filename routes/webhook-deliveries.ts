import { createRoute, z } from "@hono/zod-openapi";
import { hasScope, type Principal } from "../src/access/principal.ts";
import { readableTopics } from "../src/access/request-rights.ts";
import type { TopicName } from "../src/mqtt/topic.ts";
import { Problem } from "../src/problem.ts";
import type { DeadLetter } from "../src/webhooks/dead-letters.ts";
import type { App } from "./context.ts";
import { callSignal, whileAllowed } from "./middleware/call-signal.ts";
import { needs } from "./middleware/scopes.ts";
import { answers, idParameter, limitParameter } from "./parameters.ts";
import { showPage } from "./webhooks.ts";

/** Of recent attempts, and of dead deliveries. */
const cursors = { recent: /^[0-9a-z]{1,10}$/, dead: /^[0-9]{15}-msg_[0-9a-f-]{1,64}$/ };

const noStore = { "cache-control": "no-store" };

/** `/webhooks/{id}/deliveries`, and the calls that deliver now. */
export function mountDeliveries(app: App): void {
  const list = createRoute({
    method: "get",
    path: "/webhooks/{id}/deliveries",
    middleware: [needs("connections:read")] as const,
    request: {
      params: idParameter,
      query: z.strictObject({
        state: z.enum(["recent", "dead"]).default("recent"),
        limit: limitParameter,
        cursor: z.string().optional(),
      }),
    },
    responses: answers,
  });
  app.openapi(list, async (c) => {
    const { id } = c.req.valid("param");
    const { state, limit, cursor = null } = c.req.valid("query");
    if (cursor !== null && !cursors[state].test(cursor)) {
      const detail = "expected the cursor of an earlier page";
      throw new Problem("invalid-request", {
        detail: `cursor: ${detail}`,
        errors: [{ parameter: "cursor", detail }],
      });
    }
    if (state === "recent") return showPage(c, c.get("tenant").webhooks.attempts(id, cursor, limit)) as never;
    const { items, next } = await c.get("tenant").webhooks.deadLetters(id, cursor, limit);
    return showPage(c, { items: items.map((letter) => shownTo(c.get("principal"), letter)), next }) as never;
  });
  const replayAll = createRoute({
    method: "post",
    path: "/webhooks/{id}/replay",
    middleware: [needs("connections:write")] as const,
    request: { params: idParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(replayAll, (c) => {
    const replaying = c.get("tenant").webhooks.replayAll(c.req.valid("param").id);
    return c.json({ replaying }, 202, noStore) as never;
  });
  mountSending(app);
}

/** Without its body where that has a message which the principal may not read. */
function shownTo(principal: Principal, letter: DeadLetter): Omit<DeadLetter, "text"> {
  if (letter.type !== "connack.message") return letter;
  const mayRead = readableTopics(principal);
  if (hasScope(principal, "subscribe") && (mayRead === undefined || mayRead(topicOf(letter)))) return letter;
  const { text: _text, ...rest } = letter;
  return rest;
}

/** By the message itself: the webhook may have other topics by now. */
function topicOf({ text }: DeadLetter): TopicName {
  return (JSON.parse(text) as { data: { topic: TopicName } }).data.topic;
}

/** Both answer 200 when the endpoint was asked, whatever it said. */
function mountSending(app: App): void {
  const test = createRoute({
    method: "post",
    path: "/webhooks/{id}/test",
    middleware: [needs("connections:write")] as const,
    request: { params: idParameter, query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(test, async (c) => {
    const { id } = c.req.valid("param");
    const send = () => whileAllowed(c, c.get("tenant").webhooks.test(id, callSignal(c)));
    return c.json(await c.get("tenant").waits.during(c.env?.holdOpen, send), 200, noStore) as never;
  });
  const replay = createRoute({
    method: "post",
    path: "/webhooks/{id}/deliveries/{delivery}/replay",
    middleware: [needs("connections:write")] as const,
    request: { params: idParameter.extend({ delivery: z.string() }), query: z.strictObject({}) },
    responses: answers,
  });
  app.openapi(replay, async (c) => {
    const { id, delivery } = c.req.valid("param");
    const send = () => whileAllowed(c, c.get("tenant").webhooks.replay(id, delivery, callSignal(c)));
    return c.json(await c.get("tenant").waits.during(c.env?.holdOpen, send), 200, noStore) as never;
  });
}
