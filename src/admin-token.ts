import { Secret } from "./secret.ts";

/** Shorter ones can be guessed, or were meant for something else. */
const leastLength = 32;
const mostLength = 1_024;

/** A token as it fits into an `Authorization` header. What the text says is never repeated: it may be nearly right. */
export function parseAdminToken(
  text: string,
): { readonly ok: true; readonly token: Secret } | { readonly ok: false; readonly detail: string } {
  if (!/^[\u0021-\u007e]*$/.test(text))
    return { ok: false, detail: "expected visible ASCII characters, and no spaces" };
  if (text.length < leastLength || text.length > mostLength)
    return {
      ok: false,
      detail: `expected ${leastLength} to ${mostLength} characters, as \`openssl rand -hex 32\` prints them`,
    };
  return { ok: true, token: new Secret(text) };
}
