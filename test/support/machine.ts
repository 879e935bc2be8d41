import type { Failure } from "../../src/broker/failure.ts";
import type { Effect, Event } from "../../src/connection/state.ts";
import { negotiate } from "../../src/mqtt/properties.ts";

/** What `next` is given in tests: events with all that a test does not care about filled in. */
export const policy = { enabled: true, minDelayMs: 100, maxDelayMs: 10_000, maxAttempts: null } as const;

const connack = { sessionPresent: false, reasonCode: 0, properties: {} };
const established = { connack, protocolVersion: "5", clientId: "c", address: "127.0.0.1" } as const;
const negotiated = negotiate({ keepAlive: 60, sessionExpiryInterval: 0 }, {});

export const transient: Failure = {
  stage: "tcp",
  code: "connection-refused",
  detail: "refused",
  retryable: true,
  hint: "hint",
};

export const permanent: Failure = {
  stage: "connack",
  code: "broker-refused",
  detail: "no",
  retryable: false,
  hint: "hint",
  mqtt: {
    packet: "connack",
    reasonCode: 0x86,
    reasonName: "Bad User Name or Password",
    reasonString: null,
    serverReference: null,
    protocolVersion: "5",
  },
};

export const lossOf = (failure: Failure): Failure => ({ ...failure, stage: "connected" });

export const connected = (attempt: number): Event => ({
  type: "connected",
  attempt,
  established,
  negotiated,
});
export const failed = (attempt: number, failure = transient, random = 0): Event => ({
  type: "failed",
  attempt,
  failure,
  random,
});
export const lost = (attempt: number, failure = transient, random = 0): Event => ({
  type: "lost",
  attempt,
  failure: lossOf(failure),
  sent: null,
  random,
});
export const close = (fields: Partial<Extract<Event, { type: "close" }>> = {}): Event => ({
  type: "close",
  cause: "deleted",
  drainMs: 5_000,
  force: false,
  reasonCode: 0,
  sessionExpiryInterval: undefined,
  ...fields,
});

/** An effect as one word: its type, or what is announced. */
export function nameOf(effect: Effect): string {
  return effect.type === "announce" ? effect.announcement.type : `${effect.type}()`;
}

export function announced(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === "announce" ? [effect.announcement.type] : []));
}
