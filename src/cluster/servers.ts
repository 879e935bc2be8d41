import type { NatsConnection } from "@nats-io/nats-core";
import type { ServerFacts } from "./safety.ts";

/** Servers have so long to answer; when none has said anything for a third of it, all have. */
const answerMs = 3_000;
const pingSubject = "$SYS.REQ.SERVER.PING.JSZ";

/** What the servers of a cluster say. */
export interface AskedServers {
  /** Those that have JetStream. */
  readonly servers: readonly ServerFacts[];
  /** Of all that have answered. */
  readonly ids: ReadonlySet<string>;
}

interface Answer {
  readonly server: { readonly name: string; readonly id: string; readonly ver: string };
  readonly data?: { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } };
}

/** Asks all servers about themselves, which only the system account may: nobody answers another one. */
export async function askServers(system: NatsConnection): Promise<AskedServers> {
  const ids = new Set<string>();
  const found: ServerFacts[] = [];
  for (const { server, data } of await answersOf(system)) {
    ids.add(server.id);
    const config = data?.config;
    if (config === undefined) continue;
    const nanoseconds = config.sync_interval;
    found.push({
      name: server.name,
      version: server.ver,
      // It is left out where it is false.
      syncAlways: config.sync_always === true,
      syncIntervalMs: nanoseconds === undefined ? null : nanoseconds / 1e6,
    });
  }
  return { servers: found.toSorted((a, b) => a.name.localeCompare(b.name)), ids };
}

/** What is known without that account: the version of the one that this node is connected to. */
export function connectedServer({ info }: NatsConnection): readonly ServerFacts[] {
  if (info === undefined) return [];
  return [{ name: info.server_name, version: info.version, syncAlways: null, syncIntervalMs: null }];
}

async function answersOf(system: NatsConnection): Promise<readonly Answer[]> {
  const found: Answer[] = [];
  try {
    const options = { strategy: "stall", maxWait: answerMs, stall: answerMs / 3 } as const;
    for await (const message of await system.requestMany(pingSubject, "", options))
      if (message.data.length > 0) found.push(message.json<Answer>());
  } catch {
    // Nobody is there whom this user may ask.
  }
  return found;
}
