import type { Calls, Success } from "./call.ts";
import { acknowledged, needsBroker } from "./problem-groups.ts";

/** Of the type that the publisher says, if any. */
const bytes = { "*/*": {}, "application/octet-stream": {} };

const subscribed = (description: string): Success => ({
  description,
  schema: "SubscriptionView",
  headers: ["Location", "Preference-Applied"],
});

export const readingCalls: Calls = {
  "POST /connections/{id}/subscriptions": {
    id: "subscribe",
    tag: "Reading",
    summary: "Subscribe",
    description:
      "Subscribes, and answers with what the broker granted. Kept across reconnects. The same filter again takes the place of the one before.",
    needs: "subscribe",
    body: "Subscription",
    headers: ["Prefer"],
    success: { 200: subscribed("It was there, and is changed."), 201: subscribed("Subscribed.") },
    problems: [...needsBroker, ...acknowledged, "store-full", "store-unavailable"],
    examples: [
      { summary: "One filter", status: 201, body: { topicFilter: "a", qos: 1 } },
      { summary: "With wildcards", status: 201, body: { topicFilter: "garden/+/state", qos: 1 } },
    ],
  },
  "GET /connections/{id}/subscriptions": {
    id: "listSubscriptions",
    tag: "Reading",
    summary: "List subscriptions",
    description: "All, or the one with this filter. `grantedQos` is null until the broker has answered.",
    needs: "connections:read",
    success: { 200: { description: "All of them.", schema: "SubscriptionList" } },
    examples: [{ summary: "All", status: 200 }],
  },
  "GET /connections/{id}/subscriptions/{filter}": {
    id: "getSubscription",
    tag: "Reading",
    summary: "Look at a subscription",
    description: "By its filter in the path, percent-encoded.",
    needs: "connections:read",
    success: { 200: { description: "The subscription.", schema: "SubscriptionView" } },
    examples: [{ summary: "By its filter", status: 200 }],
  },
  "DELETE /connections/{id}/subscriptions": {
    id: "unsubscribeByQuery",
    tag: "Reading",
    summary: "Unsubscribe, by the query",
    description: "For filters that do not go into a path: URLs drop the segments . and ...",
    needs: "subscribe",
    headers: ["Prefer"],
    success: { 204: { description: "Unsubscribed.", headers: ["Preference-Applied"] } },
    problems: [...needsBroker, ...acknowledged, "store-full", "store-unavailable"],
    examples: [{ summary: "By its filter", status: 204, query: "?topicFilter=garden/%2B/state" }],
  },
  "DELETE /connections/{id}/subscriptions/{filter}": {
    id: "unsubscribe",
    tag: "Reading",
    summary: "Unsubscribe",
    description: "By the filter in the path, percent-encoded.",
    needs: "subscribe",
    headers: ["Prefer"],
    success: { 204: { description: "Unsubscribed.", headers: ["Preference-Applied"] } },
    problems: [...needsBroker, ...acknowledged, "store-full", "store-unavailable"],
    examples: [{ summary: "By its filter", status: 204 }],
  },
  "GET /connections/{id}/messages": {
    id: "readMessages",
    tag: "Reading",
    summary: "Read messages",
    description:
      "What arrived, in order: pages with a cursor, by long poll with ?wait=, or live. What the log could not keep is told by a gap.",
    needs: "subscribe",
    ticket: true,
    headers: ["Prefer", "Last-Event-ID"],
    success: {
      200: {
        description: "A page; or a stream.",
        content: {
          "application/json": { schema: "MessagePage" },
          "application/x-ndjson": { items: ["MessageLine", "Gap", "StreamEnd", "LineOfItsOwn"] },
          "text/event-stream": { items: ["Message", "Gap", "StreamEnd"] },
        },
        headers: ["Connack-Last-Event-Id", "Preference-Applied"],
      },
    },
    problems: ["not-acceptable", ...needsBroker, ...acknowledged],
    examples: [
      { summary: "The oldest first, waiting for one", status: 200, query: "?wait=5&topic=kitchen/%23" },
      {
        summary: "Live, from the beginning",
        status: 200,
        query: "?after=earliest",
        accept: "text/event-stream",
      },
      {
        summary: "Live, a line each",
        status: 200,
        query: "?after=earliest",
        accept: "application/x-ndjson",
      },
    ],
  },
  "GET /connections/{id}/messages/{mid}/payload": {
    id: "getPayload",
    tag: "Reading",
    summary: "Get a payload as it came",
    description: "The bytes, as an attachment of the message's content type, if it has one.",
    needs: "subscribe",
    success: { 200: { description: "The bytes.", content: bytes } },
    examples: [{ summary: "The bytes", status: 200 }],
  },
  "GET /connections/{id}/retained": {
    id: "getRetained",
    tag: "Reading",
    summary: "Get the retained message of a topic",
    description: "Subscribes for the length of the call (MQTT 5 §3.3.1.3).",
    needs: "subscribe",
    success: {
      200: {
        description: "The payload; or, with ?format=json, the message.",
        content: { ...bytes, "application/json": { schema: "ReceivedMessage" } },
      },
    },
    problems: ["no-retained-message", ...needsBroker, ...acknowledged],
    examples: [
      { summary: "The payload", status: 200, query: "?topic=kitchen/temperature" },
      { summary: "With its properties", status: 200, query: "?topic=kitchen/temperature&format=json" },
    ],
  },
};
