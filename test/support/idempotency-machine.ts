import assert from "node:assert/strict";
import { Budget } from "../../src/budget.ts";
import { IdempotencyJournal } from "../../src/idempotency-journal.ts";
import type { KeptForm } from "../../src/idempotency-record.ts";
import { IdempotencyKeys, type Claim } from "../../src/idempotency.ts";
import { createLogger } from "../../src/log.ts";
import { plainSealer, type Sealer } from "../../src/sealing.ts";
import { StoredTime } from "../../src/stored-time.ts";
import { ControlledStore } from "./controlled-store.ts";

export const answer = {
  status: 201,
  headers: [
    ["location", "/connections/a"],
    ["etag", '"1"'],
  ],
  body: new Uint8Array([0, 255, 123, 10]),
} as const;
export const hour = 3_600_000;
export const day = 24 * hour;
/** Where the store has them. */
export const space = "idempotency";

/** A machine on which processes come and go; only the store and the clocks outlive them. */
export function machine() {
  const store = new ControlledStore("e");
  const now = { wall: 1_000 * day, monotonic: 0 };
  const clock = { wall: () => now.wall, monotonic: () => now.monotonic };
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const write = (line: string) => logs.push(JSON.parse(line));
  const logger = createLogger({ level: "debug", format: "json", write, now: () => 0 });
  const restore = async (sealer: Sealer, maxKeys = 10, maxBytes = 1_000) => {
    now.monotonic = 7;
    const lease = await store.acquire();
    const time = await StoredTime.read(store, clock);
    const journal = new IdempotencyJournal({ store, lease, sealer, time }, logger);
    const budgets = { keys: new Budget("", maxKeys), bytes: new Budget("", maxBytes) };
    const keys = new IdempotencyKeys(budgets, clock.monotonic, journal);
    await keys.restore();
    return keys;
  };
  const startWith = async (sealer: Sealer, maxKeys?: number, maxBytes?: number) => {
    const keys = await restore(sealer, maxKeys, maxBytes);
    await keys.flush();
    return keys;
  };
  const start = (maxKeys?: number, maxBytes?: number) => startWith(plainSealer, maxKeys, maxBytes);
  const advance = (ms: number) => {
    now.wall += ms;
    now.monotonic += ms;
  };
  return { store, now, logs, restore, start, startWith, advance };
}

/** Claims a key that is free. */
export function begin(keys: IdempotencyKeys, key: string, fingerprint = "same", form: KeptForm = "plain") {
  const claim = keys.claim(key, fingerprint, form);
  assert.equal(claim.kind, "new", key);
  return claim as Extract<Claim, { kind: "new" }>;
}

/** What claims of these keys come to. */
export const kinds = (keys: IdempotencyKeys, ...names: string[]) =>
  names.map((name) => keys.claim(name, "same").kind).join(" ");

/** Whether it has resolved by now, all that can go on having gone on. */
export async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return settled;
}
