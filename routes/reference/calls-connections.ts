import type { Calls, Success } from "./call.ts";
import { connecting, keeping, needsBroker } from "./problem-groups.ts";

const broker = "mqtt://127.0.0.1:1883";
const view = (description: string, ...headers: readonly ("Location" | "Preference-Applied")[]): Success => ({
  description,
  schema: "Connection",
  headers: ["ETag", ...headers],
});
const underWay = view("Under way: look at it, or at its events.", "Location", "Preference-Applied");
const streams = {
  "application/x-ndjson": { items: ["Snapshot", "Event", "Gap", "StreamEnd", "LineOfItsOwn"] },
  "text/event-stream": { items: ["Snapshot", "Event", "Gap", "StreamEnd"] },
} as const;
const events: Success = {
  description: "A stream that begins with a snapshot and goes on; or a page of what was.",
  content: { ...streams, "application/json": { schema: "EventPage" } },
  headers: ["Connack-Last-Event-Id"],
};

const withMessages = {
  "application/x-ndjson": {
    items: ["Snapshot", "Event", "MessageLine", "Gap", "StreamEnd", "LineOfItsOwn"],
  },
  "text/event-stream": { items: ["Snapshot", "Event", "Message", "Gap", "StreamEnd"] },
} as const;

export const connectionCalls: Calls = {
  "POST /connections": {
    id: "openConnection",
    tag: "Connections",
    summary: "Open a connection",
    description:
      "Connects to a broker, and answers with its CONNACK. When the first attempt fails while the call waits, the answer is the problem, and nothing is kept.",
    needs: "connections:write",
    body: "ConnectionRequest",
    headers: ["Prefer", "Idempotency-Key"],
    success: {
      201: {
        ...view("The broker accepted.", "Location", "Preference-Applied"),
        headers: ["ETag", "Location", "Preference-Applied", "Idempotent-Replayed"],
      },
      202: {
        ...underWay,
        headers: ["ETag", "Location", "Preference-Applied", "Idempotent-Replayed"],
      },
    },
    problems: ["connection-exists", "connection-closed", "limit-reached", ...connecting, ...keeping],
    examples: [
      {
        summary: "With an id of one's own, and a subscription",
        status: 201,
        body: {
          id: "home",
          url: broker,
          subscriptions: [{ topicFilter: "kitchen/#", qos: 1 }],
          labels: { room: "kitchen" },
        },
      },
      { summary: "Without waiting", status: 202, query: "?wait=0", body: { id: "later", url: broker } },
    ],
  },
  "PUT /connections/{id}": {
    id: "putConnection",
    tag: "Connections",
    summary: "Create or replace a connection",
    description:
      "The same request again changes nothing; another one replaces it. Durable unless told otherwise, where the store allows that: the connection comes back after a restart.",
    needs: "connections:write",
    body: "ConnectionRequest",
    headers: ["Prefer", "If-Match", "If-None-Match"],
    success: {
      200: view("It is as it was asked for.", "Preference-Applied"),
      201: view("It was made.", "Location", "Preference-Applied"),
      202: underWay,
    },
    problems: [
      "precondition-failed",
      "connection-closed",
      "superseded",
      "outbox-not-empty",
      ...connecting,
      ...keeping,
    ],
    examples: [
      {
        summary: "One that outlives restarts",
        status: 201,
        values: { id: "plant" },
        body: { url: broker, clientId: "plant-1", keepAlive: 30 },
      },
    ],
  },
  "GET /connections": {
    id: "listConnections",
    tag: "Connections",
    summary: "List connections",
    description: "In the order in which they were made.",
    needs: "connections:read",
    success: { 200: { description: "A page.", schema: "ConnectionPage", headers: ["Link"] } },
    examples: [{ summary: "By a label", status: 200, query: "?label=room:kitchen&limit=10" }],
  },
  "GET /connections/{id}": {
    id: "getConnection",
    tag: "Connections",
    summary: "Look at a connection",
    description:
      "State, flags, the broker's last word, limits, counters and times. With ?wait= it holds until something changes.",
    needs: "connections:read",
    headers: ["If-None-Match"],
    success: {
      200: view("The connection as it is."),
      304: { description: "As If-None-Match says.", headers: ["ETag"] },
    },
    problems: ["connection-closed"],
    examples: [{ summary: "As it is", status: 200 }],
  },
  "POST /connections/{id}/reconnect": {
    id: "reconnect",
    tag: "Connections",
    summary: "Reconnect",
    description: "Begins a new attempt at once, whatever the state; the body may bring other credentials.",
    needs: "connections:write",
    body: "Credentials",
    headers: ["Prefer"],
    success: { 200: view("Connected.", "Preference-Applied"), 202: underWay },
    problems: ["superseded", "connection-closed", ...connecting, ...keeping],
    examples: [
      { summary: "As it is", status: 200 },
      {
        summary: "With other credentials",
        status: 200,
        body: { username: "sensor", password: "open-sesame" },
      },
    ],
  },
  "POST /connections/{id}/ping": {
    id: "ping",
    tag: "Connections",
    summary: "Ask the broker whether it is there",
    description: "Sends PINGREQ, and answers with the time that PINGRESP took.",
    needs: "connections:write",
    headers: ["Prefer"],
    success: {
      200: { description: "The broker is there.", schema: "Ping", headers: ["Preference-Applied"] },
    },
    problems: ["ping-timeout", ...needsBroker],
    examples: [{ summary: "Wait for at most 5 seconds", status: 200, query: "?wait=5" }],
  },
  "DELETE /connections/{id}": {
    id: "closeConnection",
    tag: "Connections",
    summary: "Close a connection",
    description:
      "Waits for what is under way, and disconnects. What is in its outbox and its log goes with it. One that is being closed already is closed once.",
    needs: "connections:write",
    headers: ["If-Match", "If-None-Match"],
    success: { 200: { description: "As it was in the end.", schema: "ClosedConnection" } },
    problems: ["precondition-failed", "store-full", "store-unavailable"],
    examples: [{ summary: "With half a second for what is under way", status: 200, query: "?drainMs=500" }],
  },
  "GET /connections/{id}/events": {
    id: "readConnectionEvents",
    tag: "Connections",
    summary: "Watch a connection",
    description:
      "Its lifecycle, live, with what came after Last-Event-ID before; or as history, which is JSON. What is gone is told by a gap.",
    needs: "connections:read",
    ticket: true,
    headers: ["Last-Event-ID"],
    success: { 200: events },
    problems: ["not-acceptable"],
    examples: [
      { summary: "What was", status: 200, query: "?format=json&limit=10" },
      { summary: "Live", status: 200, accept: "text/event-stream" },
    ],
  },
  "GET /events": {
    id: "readEvents",
    tag: "Connections",
    summary: "Watch all connections",
    description:
      "As the events of one connection, for all of the tenant's; and, with `messages`, what one of them receives. Messages are of the type `message`, move no Last-Event-ID, and are not repeated when a stream is resumed. Their gap has a member `messages`, and ends the stream. In a cluster, `id` says where the reader is in the events of all nodes, and `eventId` is that of the event itself, which the connection's own events have as `id`.",
    needs: "connections:read",
    ticket: true,
    headers: ["Last-Event-ID"],
    success: { 200: { ...events, content: { ...events.content, ...withMessages } } },
    problems: ["not-acceptable", "not-found"],
    examples: [
      { summary: "What was", status: 200, query: "?format=json&types=connected,failed" },
      { summary: "Live, a line each", status: 200, accept: "application/x-ndjson" },
      {
        summary: "With what one connection receives",
        status: 200,
        query: "?messages=home",
        accept: "text/event-stream",
      },
    ],
  },
  "POST /probe": {
    id: "probe",
    tag: "Connections",
    summary: "Find out whether one could connect",
    description:
      "Connects, tells how far it came stage by stage, and keeps nothing. It is 200 whenever it ran; `ok` and `problem` tell how it ended.",
    needs: "connections:write",
    body: "ConnectionRequest",
    headers: ["Prefer"],
    success: {
      200: {
        description: "How far it came; as lines, each stage when it has ended.",
        content: {
          "application/json": { schema: "ProbeResult" },
          "application/x-ndjson": { items: ["ProbeStageLine", "ProbeResultLine"] },
        },
        headers: ["Preference-Applied"],
      },
    },
    problems: ["attempts-limited", "client-id-in-use"],
    examples: [
      {
        summary: "With a message there and back",
        status: 200,
        query: "?roundTrip=probe/test",
        body: { url: broker },
      },
      {
        summary: "As it goes, a line each",
        status: 200,
        accept: "application/x-ndjson",
        body: { url: broker },
      },
    ],
  },
  "GET /probe": {
    id: "probeForMetrics",
    tag: "Connections",
    summary: "Find out whether one could connect, as metrics",
    description:
      "As `POST /probe`, in the text form of Prometheus, for a broker that needs no credentials: in a URL they would stand in logs, and are refused.",
    needs: "connections:write",
    headers: ["Prefer"],
    success: { 200: { description: "How far it came.", content: { "text/plain": {} } } },
    problems: ["attempts-limited"],
    examples: [{ summary: "A broker", status: 200, query: `?target=${encodeURIComponent(broker)}` }],
  },
};
