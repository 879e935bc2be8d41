import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { filterableNameSchema } from "../mqtt/fields.ts";
import type { TopicName } from "../mqtt/topic.ts";
import { connectionRequestSchema, type ConnectionRequest } from "../request/connection-request.ts";
import { UsageError } from "./usage-error.ts";

export const probeHelp = `connack probe: how far does a connect attempt come, from this machine, now?

Usage:
  connack probe URL [options]

  URL                       mqtt://, mqtts://, ws:// or wss://, without a password
  --username NAME
  --password-stdin          the first line of standard input is the password: --password-stdin < password.txt
  --client-id ID            (default: one of its own)
  --protocol-version V      3.1, 3.1.1, 5 or auto (default: 5)
  --ca FILE                 trusts the certificates in this PEM file, and no others
  --cert FILE --key FILE    the client's certificate and its private key, PEM
  --insecure                takes whatever certificate the broker has
  --timeout SECONDS         in all, 0.1 to 60 (default: 10); a round trip has as much again
  --round-trip TOPIC        publishes to this topic, too, and waits for the message to come back
  --json                    prints one JSON object, as POST /probe answers

It runs in this process and needs no server; it connects to any address, for whoever can start it could anyway. Of the
settings CONNACK_DNS_SERVERS and CONNACK_MAX_PACKET_BYTES are heeded. NO_COLOR turns colours off.

Exit status: 0 when all stages are passed, 1 when one failed, 2 when it is called wrongly.
`;

/** What to probe, and how to tell. */
export interface ProbeCommand {
  readonly request: ConnectionRequest;
  readonly timeoutMs: number;
  readonly roundTrip: TopicName | undefined;
  readonly json: boolean;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const options = {
  ...{ username: text, "password-stdin": flag, "client-id": text, "protocol-version": text },
  ...{ ca: text, cert: text, key: text, insecure: flag },
  ...{ timeout: text, "round-trip": text, json: flag, help: flag },
};

type Values = ReturnType<typeof parse>["values"];

/**
 * Reads what follows `probe`; null where help is asked for. `readPassword` gives the password's line, and is called only
 * where it is wanted.
 *
 * @throws {UsageError} which repeats no argument that is not wanted: it may be a password
 */
export function parseProbeArguments(
  argv: readonly string[],
  readPassword: () => string,
): ProbeCommand | null {
  const { values, positionals } = parse(argv);
  if (values.help === true) return null;
  const [url, ...more] = positionals;
  if (url === undefined || more.length > 0)
    throw new UsageError("connack probe: expected one URL; see connack probe --help");
  if (URL.canParse(url) && new URL(url).password !== "")
    throw new UsageError("A password on a command line can be seen by others; use --password-stdin");
  const timeoutMs = timeoutOf(values.timeout ?? "10");
  const fields = {
    url,
    connectTimeoutMs: timeoutMs,
    ...optional("username", values.username),
    ...(values["password-stdin"] === true ? { password: readPassword() } : {}),
    ...optional("clientId", values["client-id"]),
    ...optional("protocolVersion", values["protocol-version"]),
    ...tlsOf(values),
  };
  const parsed = connectionRequestSchema.safeParse(fields);
  if (!parsed.success) throw new UsageError(sayIssues(parsed.error.issues));
  return {
    request: parsed.data.request,
    timeoutMs,
    roundTrip: values["round-trip"] === undefined ? undefined : topicOf(values["round-trip"]),
    json: values.json === true,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    const name = argv
      .map((arg) => /^--[a-z-]+/.exec(arg)?.[0])
      .find((each) => each !== undefined && !Object.hasOwn(options, each.slice(2)));
    // The parser's own words may repeat what stands beside the name.
    const what =
      name === undefined ? "an option has no value, or one that it does not take" : `${name}: no such option`;
    throw new UsageError(`${what}; see connack probe --help`, { cause: error });
  }
}

function optional(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

function timeoutOf(seconds: string): number {
  const ms = /^\d{1,2}(\.\d{1,3})?$/.test(seconds) ? Math.round(Number(seconds) * 1_000) : 0;
  if (ms < 100 || ms > 60_000) throw new UsageError("--timeout: expected 0.1 to 60 seconds");
  return ms;
}

function topicOf(topic: string): TopicName {
  const parsed = filterableNameSchema.safeParse(topic);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--round-trip: ${parsed.error.issues.map(({ message }) => message).join("; ")}`);
}

function tlsOf({ ca, cert, key, insecure }: Values): object {
  if (ca === undefined && cert === undefined && key === undefined && insecure !== true) return {};
  const files = Object.entries({ ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, readText(name, path)] as const],
  );
  return { tls: { ...Object.fromEntries(files), ...(insecure === true ? { verify: false } : {}) } };
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${name}: ${error instanceof Error ? error.message : "cannot be read"}`, {
      cause: error,
    });
  }
}

const optionOf: Readonly<Record<string, string>> = {
  ...{ url: "URL", username: "--username", password: "--password-stdin", clientId: "--client-id" },
  ...{ protocolVersion: "--protocol-version", tls: "--ca, --cert, --key or --insecure" },
};

function sayIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  const lines = issues.map(({ path, message }) => {
    const [first = "", second] = path.map(String);
    const isFile = first === "tls" && ["ca", "cert", "key"].includes(second ?? "");
    return `${isFile ? `--${second}` : (optionOf[first] ?? first)}: ${message}`;
  });
  return [...new Set(lines)].join("\n");
}
