import type { PayloadEncoding, PayloadForm } from "../mqtt/message.ts";
import { tame, type MessageEntry } from "./messages.ts";

interface Encoded {
  readonly payload: string;
  readonly payloadEncoding: Exclude<PayloadEncoding, "json">;
}

/** The payload's bytes, out of the encoded message. */
export function payloadOf({ json }: MessageEntry): Buffer {
  const { payload, payloadEncoding } = JSON.parse(json) as Encoded;
  return Buffer.from(payload, payloadEncoding);
}

/** The content type that came with the message. */
export function contentTypeOf({ json }: MessageEntry): string | undefined {
  return (JSON.parse(json) as { properties: { contentType?: string } }).properties.contentType;
}

/** The message with its payload in a form: `base64` always, or as the JSON value that it is (else as it stands). */
export function inForm(entry: MessageEntry, form: PayloadForm): string {
  if (form === "auto") return entry.json;
  const message = JSON.parse(entry.json) as Encoded;
  const { payload, payloadEncoding } = message;
  if (form === "base64") {
    const base64 = Buffer.from(payload, payloadEncoding).toString("base64");
    return tame(JSON.stringify({ ...message, payload: base64, payloadEncoding: "base64" }));
  }
  if (payloadEncoding !== "utf8" || !isJson(payload)) return entry.json;
  const rest = JSON.stringify({ ...message, payload: null, payloadEncoding: "json" });
  // As it was written: a number may have more digits than ours. Line ends stand between its tokens only.
  const text = payload.replaceAll(/[\r\n]/g, " ");
  return tame(rest.replace('"payload":null', () => `"payload":${text}`));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
