import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm, type KV } from "@nats-io/kv";
import { RequestError, type NatsConnection } from "@nats-io/nats-core";
import { placed } from "../store/jetstream-chain.ts";
import type { Following } from "../store/following.ts";
import { followJetstream } from "../store/jetstream-follower.ts";
import { commitTimes, openJetstream } from "../store/jetstream.ts";
import { openStream, subjectOf } from "../store/jetstream-stream.ts";
import type { Store } from "../store/store.ts";
import type { PlacedRecord } from "../store/jetstream-chain.ts";

/** All that nodes have between them, on the servers. */
export interface Grounds {
  readonly connection: NatsConnection;
  /** The first word of all subjects. */
  readonly name: string;
  /** What nodes say of themselves, by node. */
  readonly nodes: KV;
  readonly shards: number;
  /** What belongs to no connection, as the owner of shard 0 writes it. */
  readonly follow: () => Promise<Following & AsyncDisposable>;
  /** The newest record of a shard's chain, by the leader. */
  readonly readLast: (shard: number) => Promise<PlacedRecord | null>;
  /** Whether asking a node directly shows that nobody is there: false where it answers, or this is not known. */
  readonly isNobodyThere: (node: string) => Promise<boolean>;
  /** A shard's store as a node would own it. */
  readonly openStore: (node: string, shard: number, claimAfter: number, onLost: () => void) => Promise<Store>;
  /** Answers whoever asks whether this node is there. */
  readonly answerPings: (node: string) => void;
  /** Tells the others that there is nobody who owns a shard. */
  readonly tellReleased: (shard: number) => void;
  readonly onReleased: (listener: (shard: number) => void) => void;
  /** Calls `listener` each time when the servers are reached again, and much may have happened meanwhile. */
  readonly onReconnect: (listener: () => void) => void;
}

export interface GroundsOptions {
  readonly connection: NatsConnection;
  readonly name: string;
  readonly replicas: number;
  /** How many there are where the stream is made now; else it says so itself. */
  readonly shards: number;
  /** Of all shards together, each of which may have its part. */
  readonly maxBytes: number;
  readonly newEpoch: () => string;
}

const answerMs = 2_500;
/** Records of nodes that have gone without a word are kept so long. */
const forgottenAfterMs = 600_000;
const pingMs = 1_000;

/** Opens what the nodes share, and makes what is not there. @throws {Error} with a sentence for the operator */
export async function openGrounds(options: GroundsOptions): Promise<Grounds> {
  const { connection, name, replicas, maxBytes, newEpoch } = options;
  const manager = await jetstreamManager(connection, { timeout: answerMs });
  const place = { name, replicas, shards: options.shards };
  const { epoch, shards } = await openStream(manager, place, newEpoch);
  const nodes = await openNodes(connection, manager, `${name}-nodes`, replicas);
  const commitSeconds = commitTimes();
  const released = (shard: number | "*") => `${name}.${shard}.released`;
  return {
    ...{ connection, name, nodes, shards },
    follow: () => followJetstream({ connection, stream: name }),
    readLast: (shard) => readLast(manager, name, shard),
    isNobodyThere: (node) => isNobodyThere(connection, pingSubject(name, node)),
    openStore: (node, shard, claimAfter, onLost) =>
      openJetstream({
        ...{ connection, stream: name, epoch, shard, node, claimAfter, onLost, commitSeconds },
        maxBytes: Math.floor(maxBytes / shards),
      }),
    answerPings: (node) => {
      connection.subscribe(pingSubject(name, node), {
        callback: (error, message) => {
          if (error === null) message.respond();
        },
      });
    },
    tellReleased: (shard) => connection.publish(released(shard)),
    onReleased: (listener) => {
      connection.subscribe(released("*"), {
        callback: (error, message) => {
          if (error === null) listener(Number(message.subject.split(".").at(-2)));
        },
      });
    },
    onReconnect: (listener) => void tellReconnects(connection, listener),
  };
}

/** Where it was made with fewer copies than there are to be now, that is changed: without it nobody can own anything. */
async function openNodes(
  connection: NatsConnection,
  manager: JetStreamManager,
  name: string,
  replicas: number,
): Promise<KV> {
  const nodes = await new Kvm(connection).create(name, {
    ...{ replicas, history: 1, ttl: forgottenAfterMs, allow_direct: false },
  });
  const { streamInfo, replicas: has } = await nodes.status();
  if (has < replicas) await manager.streams.update(streamInfo.config.name, { num_replicas: replicas });
  return nodes;
}

async function tellReconnects(connection: NatsConnection, listener: () => void): Promise<void> {
  for await (const { type } of connection.status()) if (type === "reconnect") listener();
}

function pingSubject(name: string, node: string): string {
  return `${name}.node.${node}.ping`;
}

async function readLast(
  manager: JetStreamManager,
  name: string,
  shard: number,
): Promise<PlacedRecord | null> {
  const found = await manager.streams.getMessage(name, { last_by_subj: subjectOf(name, shard, "log") });
  return found === null ? null : placed(found);
}

async function isNobodyThere(connection: NatsConnection, subject: string): Promise<boolean> {
  try {
    await connection.request(subject, "", { timeout: pingMs });
    return false;
  } catch (error) {
    return error instanceof RequestError && error.isNoResponders();
  }
}
