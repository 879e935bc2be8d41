import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Logger } from "../log.ts";
import type { Settings } from "../settings.ts";
import { connectNats, type NatsAccess } from "./connect.ts";
import { openGrounds, type Grounds } from "./grounds.ts";
import { patiently } from "./patience.ts";
import { judge, type ServerFacts } from "./safety.ts";
import { askServers, connectedServer } from "./servers.ts";

export interface Joined {
  readonly grounds: Grounds;
  /** What of the store survives what, in a sentence. */
  readonly survives: string;
  readonly servers: readonly ServerFacts[];
}

/**
 * Connects to the servers of NATS, looks whether what is acknowledged there survives, and opens what the nodes share.
 *
 * @throws {Error} with a sentence for the operator, when they cannot be reached, or are not safe enough
 */
export async function joinCluster(settings: Settings, name: string, logger: Logger): Promise<Joined> {
  const { store, clusterName, clusterReplicas, clusterShards, clusterAllow, storeMaxBytes } = settings;
  if (store.kind !== "nats") throw new Error("A cluster needs CONNACK_STORE=nats://…");
  const connection = await connectNats(accessOf(settings, store.urls, name));
  try {
    const { servers, allAsked } = await factsOf(settings, connection, name);
    const now = () => performance.now();
    const { refusals, survives } = judge({ servers, replicas: clusterReplicas, allAsked });
    for (const { risk, sentence } of refusals) {
      if (!clusterAllow.includes(risk))
        throw new Error(`${sentence}. CONNACK_CLUSTER_ALLOW=${risk} takes that risk`);
      logger.warn(`a risk is taken: ${sentence}`, { risk });
    }
    const options = {
      ...{ connection, name: clusterName, replicas: clusterReplicas, shards: clusterShards },
      maxBytes: Math.floor(storeMaxBytes / clusterShards),
      newEpoch: () => randomBytes(6).toString("hex"),
    };
    const grounds = await patiently(() => openGrounds(options), now);
    return { grounds, survives, servers };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function factsOf(
  settings: Settings,
  connection: NatsConnection,
  name: string,
): Promise<{ readonly servers: readonly ServerFacts[]; readonly allAsked: boolean }> {
  const urls = settings.clusterSystemUrl;
  if (urls === null) return { servers: connectedServer(connection), allAsked: false };
  const access = { ...accessOf(settings, urls, name), credentialsFile: null };
  const system = await connectNats(access);
  try {
    const servers = await askServers(system);
    if (servers.length === 0)
      throw new Error(
        "No server of NATS with JetStream says anything of itself: is the user of CONNACK_CLUSTER_SYSTEM_URL one of the system account?",
      );
    return { servers, allAsked: true };
  } finally {
    await system.close();
  }
}

function accessOf(settings: Settings, urls: readonly URL[], name: string): NatsAccess {
  const { natsCredentialsFile, natsCaFile, natsCertFile, natsKeyFile } = settings;
  return {
    ...{ urls, name: `connack ${name}`, credentialsFile: natsCredentialsFile },
    ...{ caFile: natsCaFile, certFile: natsCertFile, keyFile: natsKeyFile },
  };
}
