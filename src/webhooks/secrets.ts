import { Secret } from "../secret.ts";
import type { SigningKey } from "./sender.ts";
import type { SealedSecret, Webhook } from "./webhook.ts";

/** Keeps texts from whoever reads the store. `context` says what a text is for; it opens with the same one only. */
export interface Sealer {
  seal(plain: string, context: string): Promise<string>;
  open(sealed: string, context: string): Promise<string>;
}

/** Secrets of one webhook that sign at once, at most. */
const mostSecrets = 4;

const contextOf = (webhook: string) => `webhook/${webhook}`;

export async function sealSecret(sealer: Sealer, webhook: string, secret: Secret): Promise<SealedSecret> {
  return { sealed: await sealer.seal(secret.reveal(), contextOf(webhook)), until: null };
}

export async function openSecrets(sealer: Sealer, { id, secrets }: Webhook): Promise<readonly SigningKey[]> {
  const keys: SigningKey[] = [];
  for (const { sealed, until } of secrets)
    keys.push({ secret: new Secret(await sealer.open(sealed, contextOf(id))), until });
  return keys;
}

/** A new one in front; those before it hold until `until` (epoch milliseconds) at most. */
export function rotate<T extends { readonly until: number | null }>(
  newest: T,
  before: readonly T[],
  until: number,
  now: number,
): readonly T[] {
  const rest = before
    .map((each) => ({ ...each, until: Math.min(each.until ?? Infinity, until) }))
    .filter((each) => each.until > now);
  return [newest, ...rest].slice(0, mostSecrets);
}
