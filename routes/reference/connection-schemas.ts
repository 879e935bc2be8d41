import { z } from "zod";
import { logPage, stateNames, when, whenOrNull } from "./common-schemas.ts";

/** What the broker said, with the version that gives the code its meaning. */
const reason = z.object({
  packet: z.enum(["connack", "disconnect"]),
  reasonCode: z.int(),
  reasonName: z.string(),
  reasonString: z.string().nullable(),
  serverReference: z.string().nullable(),
  protocolVersion: z.string(),
});

const flags = z
  .object({
    connected: z.boolean(),
    badConnection: z.boolean(),
    sessionPresent: z.boolean(),
    reconnecting: z.boolean(),
    disconnecting: z.boolean(),
  })
  .meta({ description: "The state as switches." });

const connack = z
  .object({
    sessionPresent: z.boolean(),
    reasonCode: z.int(),
    properties: z.record(z.string(), z.unknown()),
  })
  .meta({ description: "The CONNACK (MQTT 5 §3.2), with those properties that the broker sent." });

const negotiated = z
  .object({
    keepAlive: z.int(),
    receiveMaximum: z.int(),
    maximumQoS: z.int(),
    retainAvailable: z.boolean(),
    maximumPacketSize: z.int(),
    topicAliasMaximum: z.int(),
    wildcardSubscriptionAvailable: z.boolean(),
    sharedSubscriptionAvailable: z.boolean(),
    subscriptionIdentifiersAvailable: z.boolean(),
    sessionExpiryInterval: z.int(),
  })
  .meta({
    description: "What holds on the network connection: the broker's word, or the standard's default.",
  });

const lastError = z.object({
  stage: z.string(),
  code: z.string(),
  detail: z.string(),
  retryable: z.boolean(),
  hint: z.string(),
  cause: z.string().optional(),
  httpStatus: z.int().optional(),
  reasonCode: z.int().optional(),
  reasonName: z.string().optional(),
  mqtt: reason.optional(),
  at: when,
});

const milliseconds = z.number().nullable();

/** The members of a connection's view, which the answer to DELETE has, too. */
const connectionFields = {
  id: z.string(),
  version: z
    .int()
    .meta({ description: "Grows with every change of the state; for ?since= and in the ETag." }),
  state: z.enum(stateNames),
  since: when,
  flags,
  lastReasonCode: z.int().nullable(),
  lastReason: z.looseObject({ code: z.int(), at: when }).nullable(),
  lastError: lastError.nullable(),
  clientId: z.string(),
  protocolVersion: z.enum(["3.1", "3.1.1", "5"]).nullable(),
  broker: z.object({ url: z.string(), address: z.string().nullable() }),
  connack: connack.nullable(),
  negotiated: negotiated.nullable(),
  liveness: z.object({ lastPacketAt: whenOrNull, pingRttMs: milliseconds, pingAt: whenOrNull }),
  attempts: z.object({ current: z.int(), total: z.int(), nextAt: whenOrNull }),
  counters: z.object({
    connects: z.int(),
    disconnects: z.int(),
    messagesIn: z.int(),
    messagesOut: z.int(),
    bytesIn: z.int(),
    bytesOut: z.int(),
    inflight: z.int(),
    lateResponses: z.int(),
    queued: z.int(),
  }),
  oldestUnacknowledgedAt: whenOrNull.meta({
    description:
      "Since when the oldest publish of QoS 1 or 2 waits for the broker's acknowledgement, one in the outbox too.",
  }),
  timings: z.object({
    dnsMs: milliseconds,
    tcpMs: milliseconds,
    tlsMs: milliseconds,
    wsMs: milliseconds,
    connackMs: milliseconds,
  }),
  request: z
    .looseObject({ url: z.string() })
    .meta({ description: "The request as it holds now; true stands for a secret that was given." }),
  createdAt: when,
  connectedAt: whenOrNull,
  expiresAt: whenOrNull,
  links: z.record(z.string(), z.string()),
};

const event = z
  .looseObject({
    id: z.string(),
    type: z.string(),
    at: when,
    connection: z.string(),
    state: z.enum(stateNames),
    version: z.int(),
    flags,
  })
  .meta({
    description:
      "A lifecycle event, with further members of its type. `moved`, the first at another node of a cluster, has `from`, `to` (names of nodes) and `cause`: handover, node-lost or lapsed.",
  });

const connection = z.object(connectionFields);

const probeStage = z.object({ name: z.string(), ok: z.boolean(), ms: z.number(), detail: z.string() });

const probeFields = {
  ok: z.boolean(),
  stages: z.array(probeStage),
  connack: connack.optional(),
  protocolVersion: z.string().optional(),
  clientId: z.string().optional(),
  address: z.string().nullable().optional(),
  certificateEndsAt: when.optional().meta({ description: "The first of the broker's chain to end." }),
  problem: z.looseObject({ code: z.string(), status: z.int(), detail: z.string() }).optional(),
};

export const connectionSchemas = {
  Connection: connection,
  ClosedConnection: z.object({
    ...connectionFields,
    drained: z.boolean().meta({ description: "Whether all was acknowledged before the end." }),
    unacknowledged: z.int(),
  }),
  ConnectionPage: z.object({ items: z.array(connection), next: z.string().nullable() }),
  Ping: z.object({ rttMs: z.number() }),
  ProbeResult: z.object(probeFields),
  ProbeStageLine: z.object({ type: z.literal("stage"), ...probeStage.shape }),
  ProbeResultLine: z.object({ type: z.literal("result"), ...probeFields }),
  Event: event,
  EventPage: logPage(event),
};
