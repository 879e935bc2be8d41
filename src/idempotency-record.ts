import { z } from "zod";
import type { StoredAnswer } from "./idempotency.ts";
import { SealError, type Sealer } from "./sealing.ts";

/**
 * How a call is kept: `sealed` where its request or its answer may hold a secret. The request is told again by a hash of it,
 * which is no better than the request itself when the rest can be guessed: a weak password is soon found by trying.
 */
export type KeptForm = "sealed" | "plain";

/** What was kept of a call that has ended. */
export interface KeptAnswer {
  readonly key: string;
  readonly fingerprint: string;
  readonly form: KeptForm;
  /** Since the key was claimed. */
  readonly ageMs: number;
  readonly answer: StoredAnswer;
}

export interface RestoredAnswer extends Omit<KeptAnswer, "ageMs"> {
  readonly claimedAt: number;
  /** Sealed with a key that is on its way out. */
  readonly isStale: boolean;
}

const callSchema = z.object({
  fingerprint: z.string(),
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64(),
});

const recordSchema = z.union([
  z.object({ claimedAt: z.number(), sealed: z.string() }),
  z.object({ claimedAt: z.number(), plain: callSchema }),
]);

const contextOf = (key: string) => `idempotency/${key}`;

export function plainRecord(kept: KeptAnswer, claimedAt: number): string {
  return JSON.stringify({ claimedAt, plain: callOf(kept) });
}

/** @throws {Problem} `secret-key-missing` */
export async function sealedRecord(kept: KeptAnswer, claimedAt: number, sealer: Sealer): Promise<string> {
  const sealed = await sealer.seal(JSON.stringify(callOf(kept)), contextOf(kept.key));
  return JSON.stringify({ claimedAt, sealed });
}

/** What a record says; or why it says nothing, of which `unopened` is that it cannot be opened. */
export async function readRecord(
  key: string,
  text: string,
  sealer: Sealer,
): Promise<RestoredAnswer | "unreadable" | "unopened"> {
  const record = recordSchema.safeParse(json(text)).data;
  if (record === undefined) return "unreadable";
  const { claimedAt } = record;
  if ("plain" in record) return { key, claimedAt, form: "plain", isStale: false, ...fromCall(record.plain) };
  const plain = await open(record.sealed, key, sealer);
  if (plain === null) return "unopened";
  const call = callSchema.safeParse(json(plain)).data;
  if (call === undefined) return "unreadable";
  return { key, claimedAt, form: "sealed", isStale: !sealer.isCurrent(record.sealed), ...fromCall(call) };
}

async function open(sealed: string, key: string, sealer: Sealer): Promise<string | null> {
  try {
    return await sealer.open(sealed, contextOf(key));
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}

function callOf({ fingerprint, answer: { status, headers, body } }: KeptAnswer): z.input<typeof callSchema> {
  const copied = headers.map(([name, value]): [string, string] => [name, value]);
  return { fingerprint, status, headers: copied, body: Buffer.from(body).toString("base64") };
}

function fromCall({ fingerprint, status, headers, body }: z.output<typeof callSchema>) {
  // A copy: small Buffers are views of a shared block, which would be kept for a day, too.
  const answer: StoredAnswer = { status, headers, body: new Uint8Array(Buffer.from(body, "base64")) };
  return { fingerprint, answer };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
