import { z } from "zod";
import { logLevels } from "../log.ts";
import {
  collector,
  host,
  hostList,
  integer,
  resolverList,
  secretKeys,
  store,
  type StoreSetting,
} from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

/** Where the service listens, what it keeps and where, and what it says. */
export const serviceSettings = {
  HOST: setting(
    host,
    "127.0.0.1",
    "Address to listen on. Without a token, only loopback addresses are accepted.",
  ),
  PORT: setting(integer(0, 65_535), 8080, "Port to listen on; 0 takes a free one."),
  STORE: {
    ...setting<StoreSetting>(
      store,
      { kind: "sqlite", file: "./data/connack.db" },
      "Where durable connections, their messages and all events are kept: `sqlite:<file>`; `memory`, which is gone after a restart; or `nats://…`, servers of NATS, for [several nodes](#several-nodes).",
      "`sqlite:./data/connack.db`",
    ),
    // There may be a user and a password in it.
    secret: (text) => String(text).includes("@"),
  },
  STORE_MAX_BYTES: setting(
    integer(4_194_304, 281_474_976_710_656),
    10_737_418_240,
    "Bytes of the store's file at most; in a cluster, of all shards, of which each may have its part. Full: 507, until something is deleted.",
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
  TLS_CERT_FILE: setting<string | null>(
    z.string().min(1, "expected the name of a file").max(4_096),
    null,
    "File with a certificate as PEM, and those of its issuers after it: HTTPS is served, with HTTP/2.",
    "none",
  ),
  TLS_KEY_FILE: setting<string | null>(
    z.string().min(1, "expected the name of a file").max(4_096),
    null,
    "File with the private key of that certificate, as PEM, without a passphrase.",
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
  OTLP_ENDPOINT: {
    ...setting<string | null>(
      collector,
      null,
      "Where spans of calls are sent, as OTLP/HTTP in JSON: the URL of an OpenTelemetry collector, to which `/v1/traces` is added.",
      "none",
    ),
    // A wrong one may have a password in it.
    secret: true,
  },
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
} satisfies Record<string, Setting<unknown>>;
