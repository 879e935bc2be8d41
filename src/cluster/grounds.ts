import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm, type KV } from "@nats-io/kv";
import { RequestError, type NatsConnection } from "@nats-io/nats-core";
import { placed } from "../store/jetstream-chain.ts";
import { openJetstream } from "../store/jetstream.ts";
import { openStream, subjectOf } from "../store/jetstream-stream.ts";
import type { Store } from "../store/store.ts";
import type { Sight } from "./lookout.ts";

/** All that nodes have between them, on the servers. */
export interface Grounds {
  readonly connection: NatsConnection;
  /** The first word of all subjects. */
  readonly name: string;
  /** What nodes say of themselves, by node. */
  readonly nodes: KV;
  readonly sight: Sight;
  /** The store as this node would own it. */
  readonly openStore: (node: string, claimAfter: number, onLost: () => void) => Promise<Store>;
  /** Answers whoever asks whether this node is there. */
  readonly answerPings: (node: string) => void;
  /** Tells the others that there is nobody who owns. */
  readonly tellReleased: () => void;
  readonly onReleased: (listener: () => void) => void;
}

export interface GroundsOptions {
  readonly connection: NatsConnection;
  readonly name: string;
  readonly replicas: number;
  readonly maxBytes: number;
  readonly newEpoch: () => string;
}

/** The one shard that there is. */
const shard = 0;
const answerMs = 2_500;
/** Records of nodes that have gone without a word are kept so long. */
const forgottenAfterMs = 600_000;
const pingMs = 1_000;

/** Opens what the nodes share, and makes what is not there. @throws {Error} with a sentence for the operator */
export async function openGrounds(options: GroundsOptions): Promise<Grounds> {
  const { connection, name, replicas, maxBytes, newEpoch } = options;
  const manager = await jetstreamManager(connection, { timeout: answerMs });
  const { epoch } = await openStream(manager, { name, replicas }, newEpoch);
  const nodes = await new Kvm(connection).create(`${name}-nodes`, {
    ...{ replicas, history: 1, ttl: forgottenAfterMs, allow_direct: false },
  });
  const released = `${name}.${shard}.released`;
  return {
    connection,
    name,
    nodes,
    sight: {
      readLast: () => readLast(manager, name),
      readBeat: async (node) => (await nodes.get(node))?.revision ?? null,
      isNobodyThere: (node) => isNobodyThere(connection, pingSubject(name, node)),
    },
    openStore: (node, claimAfter, onLost) =>
      openJetstream({ connection, stream: name, epoch, shard, node, maxBytes, claimAfter, onLost }),
    answerPings: (node) => {
      connection.subscribe(pingSubject(name, node), { callback: (_, message) => void message.respond() });
    },
    tellReleased: () => connection.publish(released),
    onReleased: (listener) => {
      connection.subscribe(released, { callback: () => listener() });
    },
  };
}

function pingSubject(name: string, node: string): string {
  return `${name}.node.${node}.ping`;
}

async function readLast(manager: JetStreamManager, name: string) {
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
