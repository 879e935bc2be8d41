import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** Its public part is in lists and logs; its secret part in no place but the caller's. */
const form = /^cnk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** A token that nobody has yet, and the id that it can be named by. */
export interface NewToken {
  /** `t_` and 16 hex digits. */
  readonly id: string;
  /** `cnk_<digits of the id>_<256 random bits in base64url>`. */
  readonly text: string;
}

export function newToken(): NewToken {
  const digits = randomBytes(8).toString("hex");
  return { id: `t_${digits}`, text: `cnk_${digits}_${randomBytes(32).toString("base64url")}` };
}

/** The id in a token; null where the text is no token. */
export function idInToken(text: string): string | null {
  const digits = form.exec(text)?.[1];
  return digits === undefined ? null : `t_${digits}`;
}

/**
 * What is kept of a secret. Not a slow hash, as passwords need, which can be guessed: here 256 random bits stand in the
 * text, so that no speed finds them, and the hash is made for every call.
 */
export function hashOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Compares in a time that does not tell where two hashes differ. */
export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return timingSafeEqual(a, b);
}
