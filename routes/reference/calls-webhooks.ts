import type { Calls } from "./call.ts";
import { keeping } from "./problem-groups.ts";

const attempt = {
  200: { description: "How it went, whatever the endpoint said.", schema: "DeliveryAttempt" },
} as const;

export const webhookCalls: Calls = {
  "POST /webhooks": {
    id: "createWebhook",
    tag: "Webhooks",
    summary: "Make a webhook",
    description:
      "Messages whose topics match `topics`, and events of the types in `events`, are posted to the URL, signed as Standard Webhooks has it. It subscribes to nothing.",
    needs: "connections:write",
    body: "WebhookRequest",
    headers: ["Idempotency-Key"],
    success: {
      201: {
        description: "Made, with the generated secret, this once.",
        schema: "Webhook",
        headers: ["Location", "Idempotent-Replayed"],
      },
    },
    problems: ["destination-forbidden", ...keeping],
    examples: [
      {
        summary: "Messages and events of one connection",
        status: 201,
        body: {
          url: "http://127.0.0.1:9000/mqtt",
          connection: "home",
          topics: ["kitchen/#"],
          events: ["disconnected", "failed"],
        },
      },
    ],
  },
  "GET /webhooks": {
    id: "listWebhooks",
    tag: "Webhooks",
    summary: "List webhooks",
    description: "In the order in which they were made.",
    needs: "connections:read",
    success: { 200: { description: "A page.", schema: "WebhookPage", headers: ["Link"] } },
    examples: [{ summary: "The first ten", status: 200, query: "?limit=10" }],
  },
  "GET /webhooks/{id}": {
    id: "getWebhook",
    tag: "Webhooks",
    summary: "Look at a webhook",
    description: "Its state, the last failure, and how many went well and ill.",
    needs: "connections:read",
    success: { 200: { description: "The webhook.", schema: "Webhook" } },
    examples: [{ summary: "As it is", status: 200 }],
  },
  "PATCH /webhooks/{id}": {
    id: "changeWebhook",
    tag: "Webhooks",
    summary: "Change a webhook",
    description:
      "What is absent stays as it is. `secret: null` generates a new one, beside which the old one signs for `secretOverlapSeconds`, 86400 unless told. `enabled: true` tries at once what was waiting.",
    needs: "connections:write",
    body: "WebhookPatch",
    success: { 200: { description: "As it is now.", schema: "Webhook" } },
    problems: ["destination-forbidden", ...keeping],
    examples: [
      { summary: "Another secret", status: 200, body: { secret: null, secretOverlapSeconds: 3_600 } },
    ],
  },
  "DELETE /webhooks/{id}": {
    id: "removeWebhook",
    tag: "Webhooks",
    summary: "Remove a webhook",
    description: "Stops it at once; what it had not delivered is not delivered any more.",
    needs: "connections:write",
    success: { 204: { description: "It is gone." } },
    problems: ["store-full", "store-unavailable"],
    examples: [{ summary: "For good", status: 204 }],
  },
  "POST /webhooks/{id}/test": {
    id: "testWebhook",
    tag: "Webhooks",
    summary: "Deliver a test now",
    description: "A delivery of the type connack.test, once.",
    needs: "connections:write",
    success: attempt,
    examples: [{ summary: "Now", status: 200 }],
  },
  "GET /webhooks/{id}/deliveries": {
    id: "listDeliveries",
    tag: "Webhooks",
    summary: "List deliveries",
    description:
      "Recent attempts, or dead deliveries; of those the body, as `text`, unless it is a message which the token may not read.",
    needs: "connections:read",
    success: { 200: { description: "A page.", schema: "DeliveryPage", headers: ["Link"] } },
    examples: [{ summary: "What was given up", status: 200, query: "?state=dead" }],
  },
  "POST /webhooks/{id}/replay": {
    id: "replayDeliveries",
    tag: "Webhooks",
    summary: "Deliver again all that was given up",
    description: "Begins with the oldest, and goes on until one fails.",
    needs: "connections:write",
    success: { 202: { description: "How many there are.", schema: "Replaying" } },
    examples: [{ summary: "All of them", status: 202 }],
  },
  "POST /webhooks/{id}/deliveries/{delivery}/replay": {
    id: "replayDelivery",
    tag: "Webhooks",
    summary: "Deliver again what was given up",
    description: "One dead delivery, now.",
    needs: "connections:write",
    success: attempt,
    examples: [{ summary: "Now", status: 200 }],
  },
};
