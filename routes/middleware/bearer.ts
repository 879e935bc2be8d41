import { tokenInvalid, tokenNeeded } from "./unauthorized.ts";

/** As `Bearer`, in any case, and one token after it (RFC 9110 §11.4, RFC 6750 §2.1). */
const form = /^bearer +([\u0021-\u007e]+)$/i;
/** No longer than a token of ours, with nothing in it that is in none. */
const plain = /^[\w -]{7,80}$/;
/** Room for a signed token (JWT); longer ones are not looked at. */
const mostCharacters = 8_192;

/**
 * The token in an `Authorization` header. Several such headers come as one, and are refused.
 *
 * @throws {Problem} `unauthorized`
 */
export function bearerToken(authorization: string): string {
  // As nearly everybody writes it.
  if (authorization.startsWith("Bearer cnk_") && plain.test(authorization)) return authorization.slice(7);
  const scheme = /^[^ ]*/.exec(authorization)?.[0].toLowerCase();
  if (scheme !== "bearer")
    throw tokenNeeded("The Authorization header must be of the scheme Bearer: Authorization: Bearer <token>");
  const token = authorization.length > mostCharacters ? undefined : form.exec(authorization)?.[1];
  if (token === undefined)
    throw tokenInvalid("The Authorization header must have one token: Authorization: Bearer <token>");
  return token;
}
