import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface MosquittoOptions {
  /** Passwords by user name; anonymous clients are then refused. */
  readonly users?: Readonly<Record<string, string>>;
  /** The text of an acl_file. */
  readonly acl?: string;
  readonly tls?: MosquittoTls;
  /** MQTT over WebSocket only. Mosquitto 2.0.11 hangs on large payloads there: use aedes for those. */
  readonly websockets?: boolean;
  /** Keep sessions and retained messages over stop("SIGTERM") and start(). */
  readonly persistence?: boolean;
  /** Further lines for the configuration file. */
  readonly extra?: readonly string[];
}

/** Each is PEM text or the path of a file with it. */
export interface MosquittoTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly requireCertificate?: boolean;
}

/** Writes mosquitto's configuration into the directory and returns its path. */
export function writeMosquittoConfig(directory: string, port: number, options: MosquittoOptions): string {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const lines = [
    // Started by root, it would otherwise become the user "mosquitto", who cannot write our files.
    "user root",
    "log_dest stderr",
    "log_type all",
    // By default a subscriber that is 1,000 messages behind loses the next ones, acknowledged as they are.
    "max_queued_messages 1000000",
    // 2.0.11 gives up when every listener is for WebSocket, so that there is one that nobody uses.
    ...(options.websockets ? [`listener 0 ${join(directory, "unused.sock")}`] : []),
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${options.users === undefined}`,
  ];
  if (options.websockets) lines.push("protocol websockets");
  if (options.tls) lines.push(...tlsLines(options.tls, write));
  if (options.users) lines.push(`password_file ${write("passwords", passwords(options.users))}`);
  if (options.acl !== undefined) lines.push(`acl_file ${write("acl", options.acl)}`);
  if (options.persistence) lines.push("persistence true", `persistence_location ${directory}/`);
  lines.push(...(options.extra ?? []));
  if (options.users) {
    execFileSync("mosquitto_passwd", ["-U", join(directory, "passwords")], { stdio: "pipe" });
  }
  return write("mosquitto.conf", `${lines.join("\n")}\n`);
}

function passwords(users: Readonly<Record<string, string>>): string {
  return Object.entries(users)
    .map(([name, password]) => `${name}:${password}\n`)
    .join("");
}

function tlsLines(tls: MosquittoTls, write: (name: string, text: string) => string): string[] {
  const path = (name: string, pem: string) => (pem.includes("-----BEGIN") ? write(name, pem) : pem);
  return [
    `cafile ${path("ca.pem", tls.ca)}`,
    `certfile ${path("cert.pem", tls.cert)}`,
    `keyfile ${path("key.pem", tls.key)}`,
    `require_certificate ${tls.requireCertificate ?? false}`,
  ];
}
