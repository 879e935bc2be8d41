import type { NatsConnection } from "@nats-io/nats-core";
import type { ServerFacts } from "./safety.ts";

/** Servers have so long to answer; when none has said anything for a third of it, all have. */
const answerMs = 3_000;
const pingSubject = "$SYS.REQ.SERVER.PING.JSZ";

interface Answer {
  readonly server: { readonly name: string; readonly ver: string };
  readonly data?: { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } };
}

/** Asks all servers with JetStream about themselves, which only the system account may. */
export async function askServers(system: NatsConnection): Promise<readonly ServerFacts[]> {
  const answers = await system.requestMany(pingSubject, "", {
    strategy: "stall",
    maxWait: answerMs,
    stall: answerMs / 3,
  });
  const found: ServerFacts[] = [];
  for await (const message of answers) {
    const { server, data } = message.json<Answer>();
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
  return found.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** What is known without that account: the version of the one that this node is connected to. */
export function connectedServer({ info }: NatsConnection): readonly ServerFacts[] {
  if (info === undefined) return [];
  return [{ name: info.server_name, version: info.version, syncAlways: null, syncIntervalMs: null }];
}
