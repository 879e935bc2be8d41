import { createPublicKey } from "node:crypto";
import { z } from "zod";
import type { JSONWebKeySet, JWK } from "jose";

/** What signatures are checked with. */
export interface JwtKeys {
  readonly publicKeys: JSONWebKeySet;
  /** Shared secrets, for HS256 alone: who checks with one can also sign. */
  readonly secrets: readonly { readonly kid: string | null; readonly bytes: Uint8Array }[];
}

const leastSecretBytes = 32;

const jwkSchema = z.looseObject({
  kty: z.enum(["RSA", "EC", "OKP", "oct"]),
  kid: z.string().optional(),
  k: z.string().optional(),
});
const fileSchema = z.union([z.looseObject({ keys: z.array(jwkSchema).min(1) }), jwkSchema]);

/**
 * Reads a public key in PEM, a JWK or a JWKS (RFC 7517).
 *
 * @throws {Error} with what is wrong, and nothing of what stands there
 */
export function parseJwtKeys(text: string): JwtKeys {
  const keys = text.trimStart().startsWith("-----") ? [fromPem(text)] : fromJson(text);
  const secrets = keys.filter(({ kty }) => kty === "oct").map(secretOf);
  const publicKeys = keys.filter(({ kty }) => kty !== "oct");
  if (publicKeys.some((key) => "d" in key)) throw new Error("has a private key; a public one is wanted");
  return { publicKeys: { keys: publicKeys as JWK[] }, secrets };
}

type Key = z.output<typeof jwkSchema>;

function fromPem(text: string): Key {
  if (/PRIVATE KEY/.test(text)) throw new Error("has a private key; a public one is wanted");
  try {
    return jwkSchema.parse(createPublicKey(text).export({ format: "jwk" }));
  } catch (error) {
    throw new Error("is not a public key in PEM that can be read", { cause: error });
  }
}

function fromJson(text: string): readonly Key[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error("is neither PEM nor JSON", { cause: error });
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success)
    throw new Error("is neither a JWK nor a JWKS with keys of the types RSA, EC, OKP, oct");
  return Array.isArray(parsed.data["keys"]) ? (parsed.data["keys"] as Key[]) : [parsed.data as Key];
}

function secretOf({ k = "", kid }: Key) {
  const bytes = new Uint8Array(Buffer.from(k, "base64url"));
  if (bytes.byteLength < leastSecretBytes)
    throw new Error(`has a secret of ${bytes.byteLength} bytes; at least ${leastSecretBytes} are wanted`);
  return { kid: kid ?? null, bytes };
}
