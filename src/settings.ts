import { isIP } from "node:net";
import { z } from "zod";
import { logLevels } from "./log.ts";
import type { Secret } from "./secret.ts";
import { parseSecretKeys } from "./secret-key.ts";

/** One setting: how it is parsed, what holds without it, and the sentence that the README's table shows. */
interface Setting<T> {
  readonly schema: z.ZodType<T>;
  readonly fallback: T;
  readonly shownDefault?: string;
  readonly sentence: string;
  /** Whether a value must not be shown, not even a wrong one: it may be nearly right. */
  readonly secret?: boolean;
}

function setting<T>(schema: z.ZodType<T>, fallback: T, sentence: string, shownDefault?: string): Setting<T> {
  return shownDefault === undefined
    ? { schema, fallback, sentence }
    : { schema, fallback, sentence, shownDefault };
}

const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "expected a whole number")
    .transform(Number)
    .refine((n) => n >= least && n <= most, `expected ${least} to ${most}`);

function commaSeparated(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

const resolverList = z
  .string()
  .transform(commaSeparated)
  .refine(
    (list) => list.every(isResolver),
    'expected addresses with optional ports, as "10.0.0.2,[fd00::1]:5353"',
  );

const hostList = z
  .string()
  .transform((text) => commaSeparated(text.toLowerCase()))
  .refine(
    (list) => list.every((name) => /^[a-z0-9._-]{1,253}$/.test(name)),
    "expected host names without ports",
  );

const secretKeys = z.string().transform((text, context): readonly Secret<Uint8Array>[] => {
  const list = commaSeparated(text).map((text, index) => ({ text, name: `key ${index + 1}` }));
  const parsed = parseSecretKeys(list);
  if (parsed.ok) return parsed.keys;
  context.addIssue({ code: "custom", message: parsed.detail });
  return z.NEVER;
});

function isResolver(text: string): boolean {
  const address =
    /^\[(.+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? (isIP(text) === 6 ? text : text.replace(/:\d{1,5}$/, ""));
  return isIP(address) !== 0;
}

/** Where things are kept. */
export type StoreSetting = { readonly kind: "memory" } | { readonly kind: "sqlite"; readonly file: string };

const store = z.string().transform((text, context): StoreSetting => {
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (text === "memory") return { kind: "memory" };
  if (file !== undefined && !file.includes("\0")) return { kind: "sqlite", file };
  context.addIssue({ code: "custom", message: 'expected "memory" or "sqlite:<file>"' });
  return z.NEVER;
});

const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, "expected a host name or an address");

/** Every setting, in the order in which the README lists them. Names are those of the environment, without `CONNACK_`. */
export const settingsTable = {
  HOST: setting(host, "127.0.0.1", "Address to listen on. Only loopback addresses are accepted."),
  PORT: setting(integer(0, 65_535), 8080, "Port to listen on; 0 takes a free one."),
  STORE: setting(
    store,
    { kind: "sqlite", file: "./data/connack.db" },
    "Where durable connections, their messages and all events are kept: `sqlite:<file>`, or `memory`, which is gone after a restart.",
    "`sqlite:./data/connack.db`",
  ),
  STORE_MAX_BYTES: setting(
    integer(4_194_304, 281_474_976_710_656),
    10_737_418_240,
    "Bytes of the store's file at most. Full: 507, until something is deleted.",
  ),
  DIALS_AT_START: setting(
    integer(1, 100_000),
    100,
    "Connections that are dialled at once at most when stored ones come back after a restart.",
  ),
  SECRET_KEY: {
    ...setting(
      secretKeys,
      [],
      "32 bytes that stored secrets are encrypted with, as base64 (`openssl rand -base64 32`) or 64 hex digits. Several, comma-separated: the first encrypts, all decrypt.",
      "none",
    ),
    secret: true,
  },
  SECRET_KEY_FILE: setting<string | null>(
    z.string().min(1, "expected the name of a file").max(4_096),
    null,
    "Instead of that, a file of such keys, one a line; `#` begins a comment. Only its owner may have permissions on it (`chmod 600`).",
    "none",
  ),
  LOG_LEVEL: setting(
    z.enum(logLevels),
    "info",
    "`error`, `warn`, `info` or `debug`. Logs go to standard error.",
  ),
  LOG_FORMAT: setting(
    z.enum(["json", "text", "auto"]),
    "auto",
    "`json`, `text`, or `auto`: text on a terminal, else JSON.",
  ),
  ALLOWED_HOSTS: setting(
    hostList,
    [] as string[],
    "Host names, comma-separated, that requests may name in `Host` besides loopback ones, for a proxy in front.",
    "none",
  ),
  SHUTDOWN_GRACE_MS: setting(
    integer(0, 600_000),
    10_000,
    "Milliseconds from SIGTERM until connections that have not closed gracefully are cut.",
  ),
  DNS_SERVERS: setting(
    resolverList,
    [] as string[],
    "Name servers to ask about brokers, comma-separated, instead of the system's resolver.",
    "the system's",
  ),
  MAX_CONNECTIONS: setting(integer(1, 1_000_000), 20_000, "Connections held at most. Full: 429."),
  MAX_STREAMS: setting(integer(1, 1_000_000), 10_000, "Open event streams at most. Full: 429."),
  MAX_WAITS: setting(
    integer(1, 1_000_000),
    10_000,
    "HTTP calls held open at most while they wait (`?wait`). Full: 429.",
  ),
  MAX_BODY_BYTES: setting(
    integer(1_024, 268_435_456),
    2_097_152,
    "Bytes of a request body at most. Larger: 413.",
  ),
  MAX_PAYLOAD_BYTES: setting(
    integer(0, 268_435_455),
    1_048_576,
    "Bytes of one published payload at most. Larger: 413.",
  ),
  MAX_SUBSCRIPTIONS: setting(
    integer(1, 65_535),
    1_000,
    "Subscriptions of one connection at most, those of calls that read by `?subscribe` included. Full: 429.",
  ),
  MAX_WEBHOOKS: setting(integer(1, 100_000), 1_000, "Webhooks at most. Full: 429."),
  MAX_WEBHOOK_REQUESTS: setting(
    integer(1, 10_000),
    64,
    "Requests to the endpoints of webhooks under way at once at most. More wait for their turn.",
  ),
  SEND_QUOTA: setting(
    integer(1, 60_000),
    1_000,
    "QoS 1 and 2 messages of one connection that may be unacknowledged at once; less where the broker's Receive Maximum is less, and 20 before MQTT 5, which has none. More wait.",
  ),
  MAX_INFLIGHT: setting(
    integer(1, 1_000_000),
    10_000,
    "Publishes of one connection under way at most, unacknowledged or waiting to be sent. Full: 429.",
  ),
  MAX_INFLIGHT_BYTES: setting(
    integer(1_024, 4_294_967_295),
    67_108_864,
    "Bytes of the packets of those at most. Full: 429.",
  ),
  MAX_OUTBOX: setting(
    integer(1, 1_000_000),
    10_000,
    "Messages of one connection that wait in its outbox at most. Full: 429.",
  ),
  MAX_OUTBOX_BYTES: setting(
    integer(1_024, 4_294_967_295),
    67_108_864,
    "Bytes of the payloads of those at most. Full: 429.",
  ),
  MAX_PACKET_BYTES: setting(
    integer(1_024, 268_435_455),
    16_777_216,
    "Bytes of one inbound MQTT packet at most. A larger one ends the network connection with reason code 0x95.",
  ),
  MAX_EVENTS: setting(
    integer(16, 1_000_000),
    10_000,
    "Lifecycle events kept for `GET /events`, and 2 KiB times that at most; the oldest go first. Each connection keeps its own last 1,000, and 1 MiB at most.",
  ),
  HEARTBEAT_MS: setting(
    integer(100, 60_000),
    15_000,
    "Milliseconds between heartbeats on an idle stream, which come up to a quarter later.",
  ),
  STREAM_WRITE_TIMEOUT_MS: setting(
    integer(100, 600_000),
    30_000,
    "Milliseconds that a reader may leave its stream's bytes untaken before it is cut off.",
  ),
} satisfies Record<string, Setting<unknown>>;

type Table = typeof settingsTable;
type Camel<S extends string> = S extends `${infer A}_${infer B}`
  ? `${Lowercase<A>}${Capitalize<Camel<B>>}`
  : Lowercase<S>;
/** All settings, by their camelCase names: `CONNACK_MAX_STREAMS` is `maxStreams`. */
export type Settings = {
  readonly [K in keyof Table as Camel<K>]: Table[K] extends Setting<infer T> ? T : never;
};

/** Why the settings cannot be used: one line each, naming the setting. */
export class SettingsError extends Error {}

/** `MAX_STREAMS` → `maxStreams`. */
export function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase());
}

/**
 * Reads the settings from the environment, over those of a configuration file (same names, camelCase, no prefix).
 *
 * @throws {SettingsError} naming every unknown `CONNACK_` variable and every value that does not fit
 */
export function parseSettings(
  environment: Readonly<Record<string, string | undefined>>,
  file: unknown = {},
): Settings {
  const wrong: string[] = [];
  const fromFile = readFile(file, wrong);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settingsTable) as [string, Setting<unknown>][]) {
    const key = camelCase(name);
    const text = environment[`CONNACK_${name}`] ?? fromFile.get(key);
    const parsed = text === undefined ? undefined : setting.schema.safeParse(text);
    if (parsed && !parsed.success) {
      const why = parsed.error.issues.map((issue) => issue.message).join("; ");
      wrong.push(`CONNACK_${name}${setting.secret ? "" : `=${JSON.stringify(text)}`}: ${why}`);
    }
    values[key] = parsed?.success ? parsed.data : setting.fallback;
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith("CONNACK_") && !Object.hasOwn(settingsTable, name.slice(8)))
      wrong.push(`${name}: no such setting`);
  }
  const settings = values as Settings;
  if (settings.secretKey.length > 0 && settings.secretKeyFile !== null)
    wrong.push("CONNACK_SECRET_KEY and CONNACK_SECRET_KEY_FILE: only one of them can be set");
  if (!isLoopback(settings.host)) {
    wrong.push(
      `CONNACK_HOST=${JSON.stringify(settings.host)}: this version has no access control and listens on loopback only; use 127.0.0.1, ::1 or localhost`,
    );
  }
  if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
  return settings;
}

function readFile(file: unknown, wrong: string[]): Map<string, string> {
  const entries = new Map<string, string>();
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    wrong.push("the configuration file must hold one JSON object");
    return entries;
  }
  const known = new Set(Object.keys(settingsTable).map(camelCase));
  for (const [key, value] of Object.entries(file)) {
    if (!known.has(key)) wrong.push(`${key}: no such setting (in the configuration file)`);
    else if (Array.isArray(value)) entries.set(key, value.join(","));
    else entries.set(key, String(value));
  }
  return entries;
}

/** Whether a listening address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
