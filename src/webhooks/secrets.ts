import type { Sealer } from "../sealing.ts";
import { Secret } from "../secret.ts";
import type { SigningKey } from "./sender.ts";
import type { SealedSecret, Webhook } from "./webhook.ts";

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

/** The webhook with its secrets sealed by the key that seals now; null where they are. */
export async function resealed(sealer: Sealer, webhook: Webhook): Promise<Webhook | null> {
  if (webhook.secrets.every(({ sealed }) => sealer.isCurrent(sealed))) return null;
  const secrets: SealedSecret[] = [];
  for (const { secret, until } of await openSecrets(sealer, webhook))
    secrets.push({ ...(await sealSecret(sealer, webhook.id, secret)), until });
  return { ...webhook, secrets };
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
