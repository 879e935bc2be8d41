import type { IClientOptions } from "mqtt";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { protocolLevel, protocolName, type ProtocolVersion } from "../mqtt/protocol-version.ts";

/** What one CONNECT says: the request, with what was settled for this attempt. */
export interface ConnectFields {
  readonly request: ConnectionRequest;
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
}

/** mqtt.js gets timers that never fire: keep alive is ours, because its own misses half-open connections with traffic. */
const noTimers = { set: () => 0, clear: () => {} };

/** The options of one mqtt.js client. It neither reconnects, nor resubscribes, nor queues, nor times anything. */
export function clientOptions(
  { request, protocolVersion, clientId }: ConnectFields,
  maxPacketBytes: number,
): IClientOptions {
  const version5 = protocolVersion === "5";
  return {
    manualConnect: true,
    // It would be called several times for each packet, to find that nobody debugs.
    log: () => {},
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: 2 ** 31 - 1,
    timerVariant: noTimers as unknown as NonNullable<IClientOptions["timerVariant"]>,
    protocolId: protocolName(protocolVersion),
    protocolVersion: protocolLevel(protocolVersion),
    clean: request.cleanStart,
    clientId,
    keepalive: request.keepAlive,
    ...(request.username === undefined ? {} : { username: request.username.reveal() }),
    ...(request.password === undefined ? {} : { password: Buffer.from(request.password.reveal()) }),
    ...(version5 ? { properties: connectProperties(request, maxPacketBytes) } : {}),
    ...(request.will === undefined ? {} : { will: willOptions(request.will, version5) }),
  };
}

/** Messages that a broker may have sent and that are not kept yet, where they are acknowledged when they are. */
const keptWindow = 1_000;

/** A broker that was not told what we take would send it again and again (§3.1.2.11.4). */
function connectProperties({ properties, log }: ConnectionRequest, maxPacketBytes: number) {
  const maximumPacketSize = Math.min(properties?.maximumPacketSize ?? maxPacketBytes, maxPacketBytes);
  const window = log.durable ? { receiveMaximum: keptWindow } : {};
  const { authenticationData, ...rest } = properties ?? {};
  const data = authenticationData && { authenticationData: Buffer.from(authenticationData.reveal()) };
  return { ...window, ...defined(rest), ...data, maximumPacketSize };
}

function willOptions(
  will: NonNullable<ConnectionRequest["will"]>,
  version5: boolean,
): NonNullable<IClientOptions["will"]> {
  const { topic, payload, qos, retain, properties } = will;
  if (!version5 || properties === undefined) return { topic, payload, qos, retain };
  const { payloadFormatIndicator, ...rest } = properties;
  // mqtt.js takes the indicator as a boolean; as the standard's 0 or 1, it kills the network connection silently.
  const indicator =
    payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator === 1 };
  return { topic, payload, qos, retain, properties: { ...defined(rest), ...indicator } };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
