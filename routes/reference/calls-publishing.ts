import type { Calls } from "./call.ts";
import { acknowledged, keeping, needsBroker } from "./problem-groups.ts";

const publishProblems = [...needsBroker, ...acknowledged, ...keeping];
/** Of the type that the publisher says, if any. */
const bytes = { "*/*": {}, "application/octet-stream": {} };

export const publishingCalls: Calls = {
  "POST /connections/{id}/publish": {
    id: "publish",
    tag: "Publishing",
    summary: "Publish",
    description:
      "A payload as it is, with ?topic= and options in the query or in headers `Mqtt-…`; a message in JSON; an array of up to 1000; or lines of JSON, reported on line by line while they come. It waits for the broker's acknowledgement at QoS 1 and 2.",
    needs: "publish",
    body: "PublishMessage",
    headers: ["Prefer", "Idempotency-Key", "Mqtt-*"],
    success: {
      200: {
        description: "The broker acknowledged; of lines, a report for each.",
        content: {
          "application/json": { schema: "Acknowledgement" },
          "application/x-ndjson": { items: ["PublishReport"] },
        },
        headers: ["Preference-Applied", "Idempotent-Replayed"],
      },
      202: {
        description: "QoS 0, which no broker acknowledges; or, with ?queue=, kept, to be delivered.",
        content: { "application/json": { schema: "AcceptedMessage" } },
        headers: ["Location", "Idempotent-Replayed"],
      },
      207: {
        description: "Of an array, a result for each.",
        schema: "PublishResults",
        headers: ["Preference-Applied", "Idempotent-Replayed"],
      },
    },
    problems: publishProblems,
    examples: [
      {
        summary: "A payload",
        status: 200,
        query: "?topic=kitchen/temperature&qos=1&retain=true",
        type: "text/plain",
        body: "21.5",
      },
      {
        summary: "A message in JSON, at QoS 0",
        status: 202,
        body: { topic: "kitchen/light", payload: { on: true }, payloadEncoding: "json" },
      },
      {
        summary: "Several",
        status: 207,
        body: [
          { topic: "kitchen/light", payload: "on", qos: 1 },
          { topic: "kitchen/image", payload: "/9j/4A==", payloadEncoding: "base64", qos: 1 },
        ],
      },
      {
        summary: "Lines",
        status: 200,
        type: "application/x-ndjson",
        body: '{"topic":"counter","payload":"1","qos":1}\n{"topic":"counter","payload":"2","qos":1}\n',
      },
      {
        summary: "For a broker that may be away",
        status: 202,
        values: { id: "plant" },
        query: "?topic=plant/order&qos=1&queue=3600",
        type: "text/plain",
        body: "42",
      },
    ],
  },
  "POST /connections/{id}/request": {
    id: "request",
    tag: "Publishing",
    summary: "Ask and get the answer",
    description:
      "Publishes with a response topic and correlation data (MQTT 5 §4.10), and answers with the response. Before MQTT 5 it needs a `responseTopic`, for which a token needs the scope subscribe.",
    needs: "publish",
    body: "Request",
    headers: ["Idempotency-Key"],
    success: {
      200: {
        description: "The response; with ?raw its payload alone.",
        content: { "application/json": { schema: "Response" }, ...bytes },
        headers: ["Idempotent-Replayed"],
      },
    },
    problems: ["response-timeout", "no-responder", ...needsBroker, ...acknowledged],
    examples: [
      {
        summary: "The demo's broker answers",
        status: 200,
        body: { topic: "demo/echo", payload: "anybody there?", timeoutMs: 5_000 },
      },
    ],
  },
  "GET /connections/{id}/outbox": {
    id: "listOutbox",
    tag: "Publishing",
    summary: "List what was accepted",
    description: "Messages of ?queue=, in the order in which they were accepted, and what became of them.",
    needs: "publish",
    success: { 200: { description: "A page.", schema: "OutboxPage" } },
    examples: [{ summary: "The first ten", status: 200, values: { id: "plant" }, query: "?limit=10" }],
  },
  "GET /connections/{id}/outbox/{message}": {
    id: "getOutboxMessage",
    tag: "Publishing",
    summary: "Look at an accepted message",
    description: "Its state, and in the end its outcome.",
    needs: "publish",
    success: { 200: { description: "The message.", schema: "OutboxEntry" } },
    examples: [{ summary: "As it is", status: 200, values: { id: "plant" } }],
  },
  "DELETE /connections/{id}/outbox/{message}": {
    id: "removeOutboxMessage",
    tag: "Publishing",
    summary: "Take an accepted message out",
    description: "One that has not been sent will not be; of one whose end is known, that is forgotten.",
    needs: "publish",
    success: { 204: { description: "It is gone." } },
    problems: ["outbox-message-sent", "store-full", "store-unavailable"],
    examples: [{ summary: "For good", status: 204, values: { id: "plant" } }],
  },
};
