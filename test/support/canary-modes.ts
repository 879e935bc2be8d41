import { randomBytes } from "node:crypto";
import { canary, canaryOfBytes, type Canary } from "./canary.ts";

/** How the program is run, and what of that is secret. */
export interface Mode {
  /** The operator's, that stored secrets are encrypted with. */
  readonly key: Canary;
  readonly environment: Readonly<Record<string, string>>;
  /** Of every call. */
  readonly headers: Readonly<Record<string, string>>;
  readonly own: readonly Canary[];
}

export function keyCanary(): Canary {
  const bytes = randomBytes(32);
  return canaryOfBytes("the operator's key", bytes, bytes.toString("base64"));
}

/** Without tokens. */
export function openMode(): Mode {
  const key = keyCanary();
  return { key, environment: { CONNACK_SECRET_KEY: key.text }, headers: {}, own: [key] };
}

/** Every call has the admin token, which has to be longer than a canary is; brokers may be on this machine. */
export function withAccessControl(): Mode {
  const { key, environment } = openMode();
  const admin = canary("the admin token", "plain");
  const text = `${admin.text}-admin`;
  return {
    key,
    environment: { ...environment, CONNACK_ADMIN_TOKEN: text, CONNACK_EGRESS_ALLOW: "loopback" },
    headers: { authorization: `Bearer ${text}` },
    own: [key, admin],
  };
}
