import { setTimeout as pause } from "node:timers/promises";
import type { NatsServer } from "./nats-server.ts";

/** Resolves when each answers that its JetStream is usable, and all name the same meta leader. */
export async function natsReady(
  servers: readonly NatsServer[],
  clustered: boolean,
  deadlineMs: number,
): Promise<void> {
  const giveUp = performance.now() + deadlineMs;
  for (;;) {
    const found = await Promise.all(servers.map((server) => unready(server, clustered, servers)));
    const complaints = found.filter((complaint) => complaint !== undefined);
    if (complaints.length === 0) return;
    if (performance.now() > giveUp)
      throw new Error(
        `NATS is not ready after ${deadlineMs} ms: ${complaints.join("; ")}\n${logTails(servers)}`,
      );
    await pause(50);
  }
}

/** The last lines of each server's log, for the message of what failed. */
function logTails(servers: readonly NatsServer[]): string {
  return servers
    .map((server) => `--- ${server.name}\n${server.log().trimEnd().split("\n").slice(-25).join("\n")}`)
    .join("\n");
}

async function unready(
  server: NatsServer,
  clustered: boolean,
  servers: readonly NatsServer[],
): Promise<string | undefined> {
  try {
    // Says that the meta group has a leader and is current, and that every stream that is here has recovered.
    const health = await ask(server, "/healthz");
    if (health["status"] !== "ok") return `${server.name}: ${JSON.stringify(health)}`;
    if (!clustered) return undefined;
    const { meta_cluster: meta } = (await ask(server, "/jsz")) as { meta_cluster?: { leader?: string } };
    const leader = meta?.leader ?? "";
    return servers.some(({ name }) => name === leader)
      ? undefined
      : `${server.name} has ${leader === "" ? "no meta leader" : `the meta leader ${leader}, which is gone`}`;
  } catch (error) {
    return `${server.name}: ${String(error)}`;
  }
}

async function ask({ monitoringPort }: NatsServer, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${monitoringPort}${path}`, {
    signal: AbortSignal.timeout(2000),
  });
  return (await response.json()) as Record<string, unknown>;
}
