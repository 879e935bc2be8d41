import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import { freePort } from "./free-port.ts";
import { type Credentials, type NatsPorts, writeNatsConfig } from "./nats-config.ts";
import { natsReady } from "./nats-health.ts";
import { nowhere, startNatsNetwork } from "./nats-network.ts";
import { isAtLeast, type NatsProgram, natsProgram } from "./nats-program.ts";
import { NatsProcess, type NatsServer } from "./nats-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface NatsOptions {
  /** 1 unless told. */
  readonly servers?: 1 | 3;
  /** Whether a record is on the disk before it is acknowledged: true unless told. */
  readonly syncAlways?: boolean;
  /** Whether `isolate()` is wanted: three servers then reach one another through this process, which is slower. */
  readonly partitions?: boolean;
  /** The newest that is here unless told; `oldNatsProgram()` is one to be refused. */
  readonly program?: NatsProgram | undefined;
  /** Of the account with JetStream. */
  readonly auth?: Credentials;
}

/** NATS as an operator has it, with two accounts; a proxy in front of a server's `port` can cut clients off. */
export interface Nats extends AsyncDisposable {
  readonly version: string;
  readonly servers: readonly NatsServer[];
  readonly application: Credentials;
  readonly system: Credentials;
  /** Of all servers, by commas, with the application's credentials in each, which nats.js itself does not read. */
  readonly url: string;
  /** The same for the account that may ask the servers about themselves (`$SYS.REQ.SERVER.PING.…`). */
  readonly systemUrl: string;
  server(name: string): NatsServer;
  /** Takes the network to the other servers away from one, not that to its clients; needs `partitions`. */
  isolate(server: NatsServer): void;
  heal(): void;
  /** Resolves when those that run, none of them paused or isolated, have a meta leader and have caught up; rejects with their logs. */
  ready(deadlineMs?: number): Promise<void>;
  /** A client of the application's account, at all servers unless told; closed at the end. */
  connect(options?: NodeConnectionOptions): Promise<NatsConnection>;
  connectSystem(options?: NodeConnectionOptions): Promise<NatsConnection>;
}

/** With this, the directory of configurations, stores and logs is copied there at the end. */
const keepVariable = "CONNACK_TEST_KEEP_NATS";

/** Runs one nats-server, or three in a cluster, with JetStream on free loopback ports until its scope ends. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const program = options.program ?? natsProgram();
  if (program === undefined) throw new Error("No nats-server is here: run `bun run nats:fetch`");
  const directory = temporaryDirectory();
  const application = options.auth ?? { user: "connack", password: "test-password" };
  const system = { user: "system", password: "test-system-password" };
  const ports = await freePorts(options.servers ?? 1);
  const routes = ports.map(({ route }) => route);
  const network = options.partitions === true ? await startNatsNetwork(routes) : undefined;
  const sync = (options.syncAlways ?? true) && isAtLeast(program.version, [2, 10]) ? "always" : undefined;
  const servers = ports.map((own, index) => {
    const name = `n${index + 1}`;
    const config = writeNatsConfig(directory.path, {
      name,
      ports: own,
      routes: network?.routesOf(index) ?? routes,
      advertise: network && nowhere,
      syncInterval: sync,
      application,
      system,
    });
    return new NatsProcess({
      program: program.path,
      name,
      config,
      directory: directory.path,
      ports: own,
      url: url(own.client, application),
    });
  });
  const ready = (deadlineMs = 20_000) =>
    natsReady(
      servers.filter(({ running }) => running),
      servers.length > 1,
      deadlineMs,
    );
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const clients: NatsConnection[] = [];
  const connectAs = async (who: Credentials, more: NodeConnectionOptions = {}) => {
    const client = await connect({
      servers: addresses,
      user: who.user,
      pass: who.password,
      ignoreClusterUpdates: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      ...more,
    });
    clients.push(client);
    return client;
  };
  const nats: Nats = {
    version: program.version,
    servers,
    application,
    system,
    url: ports.map(({ client }) => url(client, application)).join(","),
    systemUrl: ports.map(({ client }) => url(client, system)).join(","),
    server(name) {
      const found = servers.find((server) => server.name === name);
      if (found === undefined) throw new Error(`There is no server ${name}`);
      return found;
    },
    isolate(server) {
      if (network === undefined) throw new Error("Start NATS with `partitions: true` to isolate a server");
      network.isolate(servers.findIndex(({ name }) => name === server.name));
    },
    heal: () => network?.heal(),
    ready,
    connect: (more) => connectAs(application, more),
    connectSystem: (more) => connectAs(system, more),
    async [Symbol.asyncDispose]() {
      await Promise.all([
        ...servers.map((server) => server.kill()),
        ...clients.map((client) => client.close()),
      ]);
      await network?.[Symbol.asyncDispose]();
      keep(directory.path, servers);
      directory[Symbol.dispose]();
    },
  };
  try {
    await Promise.all(servers.map((server) => server.start()));
    await ready();
  } catch (error) {
    await nats[Symbol.asyncDispose]();
    throw error;
  }
  return nats;
}

function url(port: number, { user, password }: Credentials): string {
  return `nats://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

function keep(directory: string, servers: readonly NatsServer[]): void {
  const target = process.env[keepVariable];
  if (target === undefined || target === "") return;
  const kept = join(target, `nats-${process.pid}-${Date.now()}`);
  cpSync(directory, kept, { recursive: true });
  for (const server of servers) writeFileSync(join(kept, `${server.name}.log`), server.log());
}

/** All different: `freePort` gives one again while nothing listens on it. */
async function freePorts(servers: number): Promise<readonly NatsPorts[]> {
  const ports = new Set<number>();
  while (ports.size < servers * 3) ports.add(await freePort());
  const [...all] = ports;
  return Array.from({ length: servers }, (_, index) => {
    const [client = 0, route = 0, monitoring = 0] = all.slice(index * 3);
    return { client, route, monitoring };
  });
}
