import { Secret } from "./secret.ts";

/** What a key has to look like, for messages. */
export const secretKeyForm =
  "32 bytes as base64 (43 or 44 characters, as `openssl rand -base64 32` prints them) or as 64 hex digits";

/** A key of 32 bytes, or null where the text is something else. What it says is never repeated: it may be nearly a key. */
export function parseSecretKey(text: string): Secret<Uint8Array> | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return new Secret(Buffer.from(text, "hex"));
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64");
  // Four last characters decode to the same byte; only one of them can have been printed, the others are typing errors.
  return bytes.toString("base64").slice(0, 43) === text.slice(0, 43) ? new Secret(bytes) : null;
}

/**
 * All keys of a list, or what is wrong with it. A key that stands there twice is a slip, as when the old one was meant:
 * nothing that it sealed could be opened.
 */
export function parseSecretKeys(
  list: readonly { readonly text: string; readonly name: string }[],
):
  | { readonly ok: true; readonly keys: readonly Secret<Uint8Array>[] }
  | { readonly ok: false; readonly detail: string } {
  const keys: Secret<Uint8Array>[] = [];
  for (const { text, name } of list) {
    const key = parseSecretKey(text);
    if (key === null) return { ok: false, detail: `${name}: expected ${secretKeyForm}` };
    if (keys.some((other) => Buffer.compare(other.reveal(), key.reveal()) === 0))
      return { ok: false, detail: `${name}: is the same as one before it` };
    keys.push(key);
  }
  return keys.length > 0 ? { ok: true, keys } : { ok: false, detail: `no key; expected ${secretKeyForm}` };
}
