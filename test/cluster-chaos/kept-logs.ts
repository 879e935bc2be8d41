import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "./stage.ts";

/** Writes what all that ran has said into a folder. */
export function keepLogs(
  directory: string,
  { nodes, nats, broker, chain }: Stage,
  timeline: readonly string[],
): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  for (const { name, output } of nodes) write(`node-${name}.log`, output);
  for (const server of nats.servers) write(`nats-${server.name}.log`, server.log());
  write("mosquitto.log", broker.log());
  write("timeline.log", `${timeline.join("\n")}\n`);
  const terms = chain.terms.map((term) => `${new Date(term.at).toISOString()} ${JSON.stringify(term)}`);
  write("terms.log", `${terms.join("\n")}\n`);
}
