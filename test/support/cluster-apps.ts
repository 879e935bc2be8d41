import { setTimeout } from "node:timers/promises";
import { ClusterApp } from "../../src/cluster-app.ts";
import { createLogger } from "../../src/log.ts";
import { parseSettings } from "../../src/settings.ts";
import { adminToken } from "./access.ts";
import type { Nats } from "./nats.ts";

/** A whole node in this process, called without a network. */
export interface ClusterAppNode {
  readonly name: string;
  readonly app: ClusterApp;
  /** By the operator, unless headers say otherwise. */
  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Response>;
}

/** Nodes of one cluster, which have all shards and each its part of them when this resolves; to be closed by whoever starts them. */
export async function startClusterApps(
  nats: Nats,
  place: string,
  names: readonly string[],
  environment: Record<string, string> = {},
): Promise<readonly ClusterAppNode[]> {
  const logger = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
  const nodes = names.map((name): ClusterAppNode => {
    const settings = parseSettings({
      CONNACK_STORE: nats.url,
      CONNACK_CLUSTER_NAME: place,
      CONNACK_CLUSTER_NODE: name,
      CONNACK_CLUSTER_SHARDS: "6",
      CONNACK_CLUSTER_REPLICAS: "1",
      CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
      CONNACK_SECRET_KEY: "00".repeat(32),
      CONNACK_ADMIN_TOKEN: adminToken,
      CONNACK_EGRESS_ALLOW: "loopback",
      CONNACK_SHUTDOWN_GRACE_MS: "2000",
      ...environment,
    });
    const app = new ClusterApp(settings, logger, "0.0.0-test");
    return {
      ...{ name, app },
      async call(method, path, body, headers = {}) {
        return app.fetch(
          new Request(`http://127.0.0.1${path}`, {
            method,
            headers: {
              host: "127.0.0.1",
              authorization: `Bearer ${adminToken}`,
              ...(body === undefined ? {} : { "content-type": "application/json" }),
              ...headers,
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          }),
        );
      },
    };
  });
  await Promise.all(nodes.map(({ app }) => app.open()));
  await balanced(nodes);
  return nodes;
}

/** Resolves when each node has its part of the shards. */
export async function balanced(nodes: readonly ClusterAppNode[]): Promise<void> {
  for (;;) {
    const owned = await Promise.all(nodes.map((node) => ownedBy(node)));
    const fair = 6 / nodes.length;
    if (owned.every((count) => count >= Math.floor(fair) && count <= Math.ceil(fair))) return;
    // Nobody tells it; a call that follows the other at once would leave no turn to what is to happen.
    await setTimeout(20);
  }
}

async function ownedBy(node: ClusterAppNode): Promise<number> {
  const answer = await node.call("GET", "/readyz");
  const { cluster } = (await answer.json()) as {
    readonly cluster?: { readonly shards: { readonly owned: readonly number[] } };
  };
  return cluster?.shards.owned.length ?? 0;
}
