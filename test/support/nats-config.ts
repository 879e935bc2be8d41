import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Where one server listens, all on 127.0.0.1. */
export interface NatsPorts {
  readonly client: number;
  readonly route: number;
  readonly monitoring: number;
}

export interface NatsConfig {
  readonly name: string;
  readonly ports: NatsPorts;
  /** The ports of all servers' routes, this one's among them; one alone makes no cluster. */
  readonly routes: readonly number[];
  /** What the others are told that this one's routes listen on; the truth where undefined. */
  readonly advertise: string | undefined;
  /** Undefined where the server knows no such setting. */
  readonly syncInterval: string | undefined;
  readonly application: Credentials;
  readonly system: Credentials;
}

/** Writes `<name>.conf` into the directory, with the store beside it, and returns its path. */
export function writeNatsConfig(directory: string, config: NatsConfig): string {
  const { name, ports, routes, advertise, syncInterval } = config;
  const cluster = `
cluster {
  name: connack-test
  listen: "127.0.0.1:${ports.route}"
  routes: [${routes.map((port) => `"nats://127.0.0.1:${port}"`).join(", ")}]
  ${advertise === undefined ? "" : `advertise: "${advertise}"`}
  # Clients know the servers that they were told of, so that a proxy is not gone around.
  no_advertise: true
}`;
  const text = `
server_name: "${name}"
listen: "127.0.0.1:${ports.client}"
http: "127.0.0.1:${ports.monitoring}"
jetstream {
  store_dir: "${join(directory, name)}"
  max_memory_store: 64MB
  max_file_store: 1GB
  ${syncInterval === undefined ? "" : `sync_interval: ${syncInterval}`}
}
accounts {
  APP { jetstream: enabled, users: [${user(config.application)}] }
  SYS { users: [${user(config.system)}] }
}
system_account: SYS
${routes.length > 1 ? cluster : ""}
`;
  const path = join(directory, `${name}.conf`);
  writeFileSync(path, text);
  return path;
}

function user({ user, password }: Credentials): string {
  return `{ user: "${user}", password: "${password}" }`;
}
