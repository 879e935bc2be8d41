export type QoS = 0 | 1 | 2;

/** How a payload stands in JSON: as text, as standard base64, or as the JSON value that its text is. */
export type PayloadEncoding = "utf8" | "base64" | "json";

/** User Properties (MQTT 5 §3.3.2.3.7); a name that comes more than once has a list. */
export type UserProperties = Readonly<Record<string, string | readonly string[]>>;

/** PUBLISH properties; `messageExpiryInterval` in seconds. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: 0 | 1;
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: string | { readonly base64: string };
  readonly userProperties?: UserProperties;
}

/** A message as it came from the broker. {@link payloadBytes} and {@link payloadJson} read its payload. */
export interface ReceivedMessage {
  readonly topic: string;
  /** The text where the bytes are UTF-8, else base64. */
  readonly payload: string;
  readonly payloadEncoding: "utf8" | "base64";
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly properties: MessageProperties & { readonly subscriptionIdentifiers?: readonly number[] };
}

/** A message in the log of a connection. */
export interface Message extends ReceivedMessage {
  /** To go on after it: `after`. */
  readonly id: string;
  /** RFC 3339, when it arrived. */
  readonly at: string;
}

/** The payload, byte for byte. */
export function payloadBytes({
  payload,
  payloadEncoding,
}: Pick<ReceivedMessage, "payload" | "payloadEncoding">): Uint8Array {
  if (payloadEncoding === "utf8") return new TextEncoder().encode(payload);
  return Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
}

/**
 * The payload as the JSON value that its text is.
 *
 * @throws {SyntaxError} it is none
 */
export function payloadJson(message: Pick<ReceivedMessage, "payload" | "payloadEncoding">): unknown {
  return JSON.parse(new TextDecoder().decode(payloadBytes(message)));
}

/** Anything that a payload can be made of: text, bytes, or a value that is sent as JSON. Nothing is the empty payload. */
export type Payload = string | Uint8Array | number | boolean | null | object | undefined;

/** A payload as a body carries it. */
export function payloadFields(payload: Payload): { payload?: unknown; payloadEncoding?: PayloadEncoding } {
  if (payload === undefined) return {};
  if (typeof payload === "string") return { payload };
  if (payload instanceof Uint8Array) return { payload: base64(payload), payloadEncoding: "base64" };
  return { payload, payloadEncoding: "json" };
}

/** Arguments of one call have their bound. */
const chunkBytes = 8_192;

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += chunkBytes)
    text += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  return btoa(text);
}
