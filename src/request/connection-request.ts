import { createHash } from "node:crypto";
import { z } from "zod";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { subscriptionFieldsOfVersion5 } from "../mqtt/subscription.ts";
import { Secret } from "../secret.ts";
import { passwordBytes, requestFields, type RequestFields } from "./schema.ts";
import { checkHost, defaultPorts, parseBrokerUrl, type Target } from "./target.ts";

type ReshapedFields =
  | "url"
  | "host"
  | "port"
  | "transport"
  | "path"
  | "id"
  | "password"
  | "passwordEncoding"
  | "username"
  | "clientId"
  | "websocket"
  | "properties"
  | "durable";

/** What a caller asked for, validated and in one form; secrets are wrapped. Nothing past the door checks it again. */
export interface ConnectionRequest extends Omit<RequestFields, ReshapedFields> {
  readonly target: Target;
  /** Stored before it dials, and brought back after a restart. */
  readonly durable: boolean;
  /** `undefined`: Connack makes one and keeps it. `""`: the broker assigns one. */
  readonly clientId: string | undefined;
  readonly username: Secret | undefined;
  readonly password: Secret<Uint8Array> | undefined;
  readonly properties: ConnectProperties | undefined;
  readonly websocket:
    | { readonly headers: Readonly<Record<string, Secret>>; readonly protocol: string }
    | undefined;
}

/** Of CONNECT; the authentication data, which is a password by another name, is wrapped. */
export type ConnectProperties = Omit<NonNullable<RequestFields["properties"]>, "authenticationData"> & {
  readonly authenticationData?: Secret<Uint8Array>;
};

export interface ParsedRequest {
  readonly id: string | undefined;
  readonly request: ConnectionRequest;
  /** Whether the body says how durable the connection is to be; where not, the call does ({@link decideDurability}). */
  readonly saysDurable: boolean;
}

/** What is wrong with a password that has no username beside it. */
export const passwordAlone = "needs a username beside it, which may be empty";

type Issue = (path: (string | number)[], message: string) => void;

/** The body of POST /connections, PUT /connections/{id} and POST /probe. */
export const connectionRequestSchema = requestFields.transform((fields, context): ParsedRequest => {
  let failed = false;
  const issue: Issue = (path, message) => {
    failed = true;
    context.addIssue({ code: "custom", path, message });
  };
  const target = readTarget(fields, issue);
  checkVersion(fields, issue);
  if (target === null || failed) return z.NEVER;
  const {
    id,
    url: _u,
    host: _h,
    port: _p,
    transport: _t,
    path: _a,
    passwordEncoding,
    username,
    password,
    websocket,
    properties,
    ...rest
  } = fields;
  const credentials = { username: target.username ?? username, password: target.password ?? password };
  const bytes =
    credentials.password === undefined
      ? undefined
      : passwordBytes(credentials.password, target.password === undefined ? passwordEncoding : "utf8");
  if (bytes === null)
    issue(
      ["password"],
      passwordEncoding === "base64"
        ? "expected standard base64 with padding, at most 65535 bytes"
        : "expected at most 65535 bytes",
    );
  // MQTT 5 allows a password alone (§3.1.2.9), and mqtt.js cannot encode it: it would drop the connection in silence.
  if (bytes !== undefined && credentials.username === undefined) issue(["password"], passwordAlone);
  checkTransport(fields, target.target, issue);
  if (failed || bytes === null) return z.NEVER;
  const request: ConnectionRequest = {
    ...rest,
    durable: fields.durable ?? false,
    clientId: fields.clientId,
    target: target.target,
    username: credentials.username === undefined ? undefined : new Secret(credentials.username),
    password: bytes === undefined ? undefined : new Secret(bytes),
    properties: properties && wrapAuthentication(properties),
    websocket: websocket && {
      protocol: websocket.protocol,
      headers: Object.fromEntries(
        Object.entries(websocket.headers ?? {}).map(([name, value]) => [name, new Secret(value)]),
      ),
    },
  };
  return { id, request, saysDurable: fields.durable !== undefined };
});

function wrapAuthentication({
  authenticationData,
  ...rest
}: NonNullable<RequestFields["properties"]>): ConnectProperties {
  return authenticationData === undefined
    ? rest
    : { ...rest, authenticationData: new Secret<Uint8Array>(authenticationData) };
}

function readTarget(
  fields: RequestFields,
  issue: Issue,
): { target: Target; username: string | undefined; password: string | undefined } | null {
  if (fields.url === undefined) {
    if (fields.host === undefined) return (issue(["url"], "either url or host is required"), null);
    const host = checkHost(fields.host.replace(/^\[(.*)\]$/, "$1"));
    if (!host.ok) return (issue(["host"], host.detail), null);
    const transport = fields.transport ?? "tcp";
    const websocket = transport === "ws" || transport === "wss";
    if (!websocket && fields.path !== undefined)
      issue(["path"], `has a meaning only with transport ws or wss`);
    const target = {
      transport,
      host: host.value,
      port: fields.port ?? defaultPorts[transport],
      path: websocket ? (fields.path ?? "/") : "",
    };
    return { target, username: undefined, password: undefined };
  }
  for (const name of ["host", "port", "transport", "path"] as const) {
    if (fields[name] !== undefined) issue([name], "url says it already; give either url or the parts");
  }
  const parsed = parseBrokerUrl(fields.url);
  if (!parsed.ok) return (issue(["url"], parsed.detail), null);
  for (const name of ["username", "password"] as const) {
    if (parsed[name] !== undefined && fields[name] !== undefined)
      issue([name], "url has credentials already");
  }
  return parsed;
}

function checkTransport(fields: RequestFields, { transport }: Target, issue: Issue): void {
  if (fields.tls !== undefined && (transport === "tcp" || transport === "ws")) {
    issue(["tls"], `has a meaning only with mqtts:// and wss:// (transport tls and wss), not ${transport}`);
  }
  if (fields.websocket !== undefined && (transport === "tcp" || transport === "tls")) {
    issue(["websocket"], `has a meaning only with ws:// and wss:// (transport ws and wss), not ${transport}`);
  }
}

/** What the chosen protocol version does not have, or asks for (MQTT 3.1.1 §3.1.3.1; 3.1 §3.1). */
function checkVersion(fields: RequestFields, issue: Issue): void {
  const version = fields.protocolVersion;
  const idBytes = fields.clientId === undefined ? null : Buffer.byteLength(fields.clientId);
  if (version === "5") return;
  if (version === "3.1" && idBytes !== null && (idBytes < 1 || idBytes > 23)) {
    issue(["clientId"], `MQTT 3.1 takes 1 to 23 bytes, not ${idBytes}`);
  } else if (idBytes === 0 && !fields.cleanStart) {
    issue(["clientId"], "an empty client id needs cleanStart true before MQTT 5 (MQTT-3.1.3-7)");
  }
  if (version === "auto") return;
  for (const { path } of version5Fields(fields)) issue(path, `exists only in MQTT 5, not in ${version}`);
}

/** Where a request uses what only version 5 has; `auto` does not fall back when there is any. */
export function version5Fields(
  request: Pick<RequestFields, "will" | "subscriptions"> & { readonly properties?: object | undefined },
): { path: (string | number)[] }[] {
  const found: { path: (string | number)[] }[] = [];
  if (request.properties !== undefined) found.push({ path: ["properties"] });
  if (request.will?.properties !== undefined) found.push({ path: ["will", "properties"] });
  for (const [index, subscription] of request.subscriptions.entries()) {
    for (const name of subscriptionFieldsOfVersion5) {
      if (subscription[name] !== undefined) found.push({ path: ["subscriptions", index, name] });
    }
  }
  return found;
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/** A client id of Connack's own: `connack-` and base36 characters, 24 in all; 23 where MQTT 3.1 allows no more. */
export function generateClientId(version: ProtocolVersion | "auto", random: () => number): string {
  const length = version === "3.1" ? 15 : 16;
  return `connack-${Array.from({ length }, () => alphabet[Math.floor(random() * 36)] ?? "0").join("")}`;
}

/** Tells whether two requests ask for the same, secrets included, without keeping either. */
export function fingerprint(request: ConnectionRequest): string {
  const canonical = JSON.stringify(request, function (this: Record<string, unknown>, key) {
    const value = this[key];
    if (value instanceof Secret) return { secret: Buffer.from(value.reveal()).toString("base64") };
    if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
  return createHash("sha256").update(canonical).digest("base64");
}
