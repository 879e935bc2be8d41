import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Logger } from "../log.ts";
import type { Settings } from "../settings.ts";
import { connectNats, type ConnectOptions, type NatsAccess } from "./connect.ts";
import { openGrounds, type Grounds } from "./grounds.ts";
import { patiently } from "./patience.ts";
import { judge, type Place, type Refusal, type Risk, type ServerFacts } from "./safety.ts";
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
export async function joinCluster(
  settings: Settings,
  name: string,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Joined> {
  const { store, clusterName, clusterReplicas, clusterShards, clusterAllow, storeMaxBytes } = settings;
  if (store.kind !== "nats") throw new Error("A cluster needs CONNACK_STORE=nats://…");
  const options = { logger, ...(signal === undefined ? {} : { signal }) };
  const connection = await connectNats(accessOf(settings, "STORE", store.urls, name), options);
  try {
    const facts = await factsOf(settings, connection, name, options);
    const { refusals, survives } = judge({ ...facts, replicas: clusterReplicas });
    refuse(
      refusals.filter(({ risk }) => !clusterAllow.includes(risk)),
      clusterAllow,
    );
    for (const { risk, sentence } of refusals) logger.warn(`a risk is taken: ${sentence}`, { risk });
    const place = {
      ...{ connection, name: clusterName, replicas: clusterReplicas, shards: clusterShards },
      maxBytes: storeMaxBytes,
      newEpoch: () => randomBytes(6).toString("hex"),
    };
    const grounds = await patiently(
      () => openGrounds(place),
      () => performance.now(),
    );
    return { grounds, survives, servers: facts.servers };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** @throws {Error} with all that there is against it, and the setting with which it would do */
function refuse(refusals: readonly Refusal[], allowed: readonly Risk[]): void {
  if (refusals.length === 0) return;
  const needed = [...new Set([...allowed, ...refusals.map(({ risk }) => risk)])];
  const what = refusals.length === 1 ? "that risk" : "those risks";
  const sentences = refusals.map(({ sentence }) => `${sentence}. `).join("");
  throw new Error(`${sentences}CONNACK_CLUSTER_ALLOW=${needed.join(",")} takes ${what}`);
}

async function factsOf(
  settings: Settings,
  connection: NatsConnection,
  name: string,
  options: ConnectOptions,
): Promise<Pick<Place, "servers" | "unchecked">> {
  const one = (unchecked: string) => ({ servers: connectedServer(connection), unchecked });
  const urls = settings.clusterSystemUrl;
  if (urls === null) return one("CONNACK_CLUSTER_SYSTEM_URL, with which all can be asked, is not set");
  const access = { ...accessOf(settings, "CLUSTER_SYSTEM_URL", urls, name), credentialsFile: null };
  const system = await connectNats(access, options);
  try {
    const { servers, ids } = await askServers(system);
    if (ids.size === 0)
      return one("none answers the user of CONNACK_CLUSTER_SYSTEM_URL, who is not one of the system account");
    if (!ids.has(connection.info?.server_id ?? ""))
      return one("CONNACK_CLUSTER_SYSTEM_URL leads to other servers than CONNACK_STORE");
    return { servers, unchecked: null };
  } finally {
    await system.close();
  }
}

function accessOf(settings: Settings, setting: string, urls: readonly URL[], name: string): NatsAccess {
  const { natsCredentialsFile, natsCaFile, natsCertFile, natsKeyFile } = settings;
  return {
    ...{ setting: `CONNACK_${setting}`, urls, name: `connack ${name}`, credentialsFile: natsCredentialsFile },
    ...{ caFile: natsCaFile, certFile: natsCertFile, keyFile: natsKeyFile },
  };
}
