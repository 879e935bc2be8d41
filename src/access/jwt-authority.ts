import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWTVerifyGetKey,
  type JWSHeaderParameters,
} from "jose";
import { Problem } from "../problem.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import type { JwtKeys } from "./jwt-keys.ts";

/** Whose signatures count. */
export interface JwtAuthority {
  /** Those that its keys are for. */
  readonly algorithms: readonly string[];
  /** Finds the key for a token. */
  readonly keyFor: JWTVerifyGetKey;
}

/** Never HS256 here: a public key is no secret. */
const publicKeyAlgorithms = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/** Keys that do not change while the process runs. */
export function localAuthority({ publicKeys, secrets }: JwtKeys): JwtAuthority {
  const set = createLocalJWKSet(publicKeys);
  const hasPublic = publicKeys.keys.length > 0;
  return {
    algorithms: [...(hasPublic ? publicKeyAlgorithms : []), ...(secrets.length > 0 ? ["HS256"] : [])],
    keyFor: async (header, token) => {
      if (header.alg !== "HS256") return set(header, token);
      const fitting = secrets.filter(({ kid }) => kid === null || kid === (header.kid ?? kid));
      const [secret, ...more] = fitting;
      if (secret === undefined || more.length > 0) throw new errors.JWKSNoMatchingKey();
      return secret.bytes;
    },
  };
}

export interface RemoteTimes {
  /** Keys are fetched anew for an unknown key id, so often at most. */
  readonly cooldownMs: number;
  readonly cacheMs: number;
  readonly timeoutMs: number;
}

/** Of an answer with keys; a key has some hundred. */
const mostBytes = 1_048_576;

const usualTimes: RemoteTimes = { cooldownMs: 30_000, cacheMs: 600_000, timeoutMs: 5_000 };

/** What the keys' address says when it answers; anything else is that it does not. */
const answered: ReadonlySet<string> = new Set([
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JOSENotSupported.code,
]);

/** Keys that are fetched when they are needed, and kept a while. */
export function remoteAuthority(url: string, times: RemoteTimes = usualTimes): JwtAuthority {
  const set = createRemoteJWKSet(new URL(url), {
    cooldownDuration: times.cooldownMs,
    cacheMaxAge: times.cacheMs,
    timeoutDuration: times.timeoutMs,
    [customFetch]: boundedFetch(mostBytes),
  });
  return {
    algorithms: publicKeyAlgorithms,
    keyFor: async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
      try {
        return await set(header, token);
      } catch (error) {
        if (error instanceof errors.JOSEError && answered.has(error.code)) throw error;
        throw new Problem("authority-unavailable", {
          detail: "The keys that the token would be checked with cannot be fetched",
          retryAfterSeconds: 5,
        });
      }
    },
  };
}
