import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import { natsReady } from "./nats-health.ts";
import { natsProgram } from "./nats-program.ts";
import { NatsProcess } from "./nats-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Three servers with the configuration that `docs/cluster` has, but for ports, paths and passwords. */
export interface DocumentedNats extends AsyncDisposable {
  readonly servers: readonly NatsProcess[];
  /** What signs the servers' certificates, as a file. */
  readonly caFile: string;
  /** In the place of those that the documents have. */
  readonly passwords: Readonly<Record<"CONNACK" | "CHECK" | "OPERATOR", string>>;
  /** A text of the documents with the addresses, passwords and paths of these servers. */
  fill(text: string): string;
}

const documents = join(import.meta.dirname, "../../docs/cluster");
const count = 3;

export async function startDocumentedNats(): Promise<DocumentedNats> {
  const program = natsProgram();
  if (program === undefined) throw new Error("No nats-server is here: run `bun run nats:fetch`");
  const directory = temporaryDirectory();
  const { ca, server } = await makeCertificates();
  for (const [name, text] of [
    ["ca.pem", ca.cert],
    ["server.pem", server.cert],
    ["server.key", server.key],
  ] as const)
    writeFileSync(join(directory.path, name), text);
  const all = new Set<number>();
  while (all.size < count * 3) all.add(await freePort());
  const ports = Array.from({ length: count }, (_, index) => {
    const [client = 0, route = 0, monitoring = 0] = [...all].slice(index * 3);
    return { client, route, monitoring };
  });
  const passwords = {
    CONNACK: "application-password",
    CHECK: "check-password",
    OPERATOR: "operator-password",
  };
  const fill = (text: string) =>
    text
      .replaceAll(/nats-(\d)\.example:4222/g, (_, number) => `localhost:${ports[Number(number) - 1]?.client}`)
      .replaceAll(/nats-(\d)\.example:6222/g, (_, number) => `localhost:${ports[Number(number) - 1]?.route}`)
      .replaceAll("change-me-1", passwords.CONNACK)
      .replaceAll("change-me-2", passwords.CHECK)
      .replaceAll("change-me-3", passwords.OPERATOR)
      .replaceAll("/etc/nats/tls", directory.path)
      .replaceAll("/etc/connack/nats-ca.pem", join(directory.path, "ca.pem"));
  const servers = ports.map((own, index) => {
    const name = `nats-${index + 1}`;
    const config = configOf(directory.path, name, own, fill);
    return new NatsProcess({
      ...{ program: program.path, name, config, directory: directory.path, ports: own },
      url: `tls://localhost:${own.client}`,
    });
  });
  await Promise.all(servers.map((each) => each.start()));
  await natsReady(servers, true, 20_000);
  return {
    ...{ servers, passwords, fill, caFile: join(directory.path, "ca.pem") },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((each) => each.kill()));
      directory[Symbol.dispose]();
    },
  };
}

/** Both files of one server, in a folder of their own; all that is replaced has to be there. */
function configOf(
  directory: string,
  name: string,
  ports: Readonly<Record<"client" | "route" | "monitoring", number>>,
  fill: (text: string) => string,
): string {
  const replacements = [
    ['"0.0.0.0:4222"', `"127.0.0.1:${ports.client}"`],
    ['"0.0.0.0:6222"', `"127.0.0.1:${ports.route}"`],
    ['"127.0.0.1:8222"', `"127.0.0.1:${ports.monitoring}"`],
    ['"/var/lib/nats"', `"${join(directory, name)}"`],
    ["100GB", "1GB"],
    ["./server.conf", `./${name}-server.conf`],
  ] as const;
  const main = replacements.reduce(
    (text, [from, to]) => {
      if (text.split(from).length !== 2) throw new Error(`docs/cluster/nats.conf has not one ${from}`);
      return text.replace(from, to);
    },
    readFileSync(join(documents, "nats.conf"), "utf8"),
  );
  const own = readFileSync(join(documents, "server.conf"), "utf8").replaceAll("nats-1", name);
  writeFileSync(join(directory, `${name}-server.conf`), fill(own));
  const path = join(directory, `${name}.conf`);
  writeFileSync(path, fill(main));
  return path;
}
