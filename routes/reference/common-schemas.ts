import { z } from "zod";
import { catalogue } from "../../src/problem-catalogue.ts";

/** What several answers have. Schemas of answers describe, and check nothing while Connack runs: tests hold answers against them. */

export const stateNames = ["connecting", "connected", "waiting", "failed", "closing", "closed"] as const;

export const when = z.string().meta({ format: "date-time" });
export const whenOrNull = when.nullable();

/** As readers are told what they cannot have any more. */
const gap = z.object({
  requested: z.string(),
  oldest: z.string().nullable(),
  reason: z.enum(["expired", "restarted", "unknown", "slow-consumer"]),
});

/** A page of a log: there is always a cursor, behind which what comes later will be. */
export const logPage = (item: z.ZodType) =>
  z.object({ items: z.array(item), next: z.string(), gap: gap.optional() });

const fieldError = z.union([
  z.object({ pointer: z.string(), detail: z.string() }),
  z.object({ parameter: z.string(), detail: z.string() }),
]);

const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(catalogue)),
    retryable: z.boolean(),
    errors: z.array(fieldError).optional(),
    stage: z.string().optional(),
    hint: z.string().optional(),
    cause: z.string().optional(),
    httpStatus: z.int().optional(),
    mqtt: z.looseObject({}).optional(),
    limit: z.object({ name: z.string(), value: z.number() }).optional(),
    state: z.string().optional(),
    duplicatePossible: z.boolean().optional(),
  })
  .meta({ description: "application/problem+json (RFC 9457). /problems/{code} says what a code means." });

const progress = z
  .object({ task: z.enum(["store", "migration", "restore", "dial"]), done: z.int(), total: z.int() })
  .nullable()
  .meta({ description: "What takes long at present, and how far it is; null where that is nothing." });

const counts = z.record(z.string(), z.int());

const cluster = z
  .object({
    name: z.string(),
    node: z.string(),
    holdsLease: z.boolean(),
    survives: z.string(),
    nodes: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        startedAt: when,
        shards: z.array(z.int()),
        connections: z.int(),
        isSettled: z.boolean(),
      }),
    ),
    shards: z.object({ total: z.int(), owned: z.array(z.int()), unowned: z.array(z.int()) }),
    moves: counts,
    calls: counts,
    lagMs: z.number(),
  })
  .meta({
    description:
      "What this node sees of the cluster: the nodes, whose shards are whose, how many this node got by why (`moves`), what came of calls that it took to others (`calls`), and since when it has not renewed its lease.",
  });

const entry = z.object({
  code: z.string(),
  status: z.int(),
  title: z.string(),
  retryable: z.boolean(),
  meaning: z.string(),
  cause: z.string(),
  check: z.string(),
});

export const commonSchemas = {
  Problem: problem,
  ProblemMeanings: z.array(entry),
  Gap: z.object({ type: z.literal("gap"), ...gap.shape, messages: z.string().optional() }).meta({
    description:
      "What was asked for and is gone: the stream goes on with the oldest that there is. `messages` is there where it is of the messages of that connection, among events.",
  }),
  Snapshot: z
    .looseObject({ id: z.string().optional(), type: z.literal("snapshot"), at: when })
    .meta({ description: "Before the first event of a stream: how things are as it begins." }),
  StreamEnd: z
    .object({ type: z.enum(["shutdown", "unauthorized"]), at: when })
    .meta({ description: "The last item of a stream that Connack ends." }),
  LineOfItsOwn: z
    .object({ type: z.enum(["open", "keepalive"]), at: when })
    .meta({ description: "In NDJSON, where there are no comments: the stream is open, or still there." }),
  Health: z.object({ ok: z.literal(true) }),
  Readiness: z
    .looseObject({ ready: z.boolean(), progress: progress.optional(), cluster: cluster.optional() })
    .meta({
      description:
        "An operator sees more: store, restoring, progress, connections by state, streams, and of several nodes the cluster; progress and cluster alone before the store is open.",
    }),
  Version: z.object({ name: z.literal("connack"), version: z.string() }),
};
