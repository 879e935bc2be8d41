import { createHmac, randomBytes } from "node:crypto";
import { Secret } from "../secret.ts";

/** A signing key as Standard Webhooks writes it: `whsec_` and the base64 of 24 to 64 bytes. */
export type SigningSecret = Secret;

const prefix = "whsec_";
const leastBytes = 24;
const mostBytes = 64;

/** What is wrong with the text of a secret, which is never repeated; null when nothing is. */
export function secretProblem(text: string): string | null {
  const wanted = `expected ${prefix} and the base64 of ${leastBytes} to ${mostBytes} bytes`;
  if (!text.startsWith(prefix)) return wanted;
  const base64 = text.slice(prefix.length);
  const bytes = Buffer.from(base64, "base64");
  // The decoder skips what it does not know; what it gives back as it came was base64.
  if (bytes.toString("base64") !== base64) return `${wanted}, with padding`;
  return bytes.length >= leastBytes && bytes.length <= mostBytes ? null : `${wanted}, not ${bytes.length}`;
}

/** A new secret, of 32 random bytes. */
export function generateSecret(): SigningSecret {
  return new Secret(prefix + randomBytes(32).toString("base64"));
}

export interface Signed {
  readonly id: string;
  /** Of this attempt; epoch milliseconds. */
  readonly at: number;
  readonly body: string;
}

/** The headers of Standard Webhooks. With several secrets each gives a signature, and one that fits is enough. */
export function signatureHeaders(
  { id, at, body }: Signed,
  secrets: readonly SigningSecret[],
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const content = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
