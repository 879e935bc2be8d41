import { errors, jwtVerify, type JWTPayload } from "jose";
import type { ForeignTokens } from "./access.ts";
import type { Expiry } from "./expiry.ts";
import type { JwtAuthority } from "./jwt-authority.ts";
import { scopes, type Principal, type Scope } from "./principal.ts";
import { Tenure } from "./tenure.ts";
import { hashOf } from "./token.ts";
import { tenantSchema } from "./token-request.ts";
import type { Refusal } from "./tokens.ts";

export interface JwtOptions {
  readonly authority: JwtAuthority;
  readonly issuer: string;
  readonly audience: string;
  /** The claim that names the tenant; a token without it is no good. */
  readonly tenantClaim: string;
  /** The claim that has the scopes, as a text with spaces or as an array. */
  readonly scopeClaim: string;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
}

/** A form that only signed tokens in compact form have (RFC 7515 §3.1): their header is a JSON object. */
const form = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
/** Clocks of other machines may differ by so much. */
const toleranceSeconds = 30;
const mostKnown = 10_000;
/** Of those that there is a date for (ECMA-262 §21.4.1.1), in milliseconds: a claim may be any number. */
const lastInstant = 8.64e15;

/** Tokens (JWT, RFC 7519) of an identity provider. One that was good is known until it expires, and not checked again. */
export class JwtTokens implements ForeignTokens {
  readonly #options: JwtOptions;
  readonly #expiry: Expiry;
  /** By the hash of the text; the oldest goes first. */
  readonly #known = new Map<string, Principal>();
  /** Those that are being checked. */
  readonly #checking = new Map<string, Promise<Principal | Refusal>>();

  constructor(options: JwtOptions, expiry: Expiry) {
    this.#options = options;
    this.#expiry = expiry;
  }

  isOne(text: string): boolean {
    return form.test(text);
  }

  /** @throws {Problem} `authority-unavailable` */
  check(text: string, hash: Buffer): Principal | Refusal | Promise<Principal | Refusal> {
    const key = hash.toString("base64");
    const known = this.#known.get(key);
    if (known !== undefined) return known.tenure.isOver ? "expired" : known;
    const running = this.#checking.get(key);
    if (running !== undefined) return running;
    const checking = this.#verify(text, key).finally(() => this.#checking.delete(key));
    this.#checking.set(key, checking);
    return checking;
  }

  async #verify(text: string, key: string): Promise<Principal | Refusal> {
    const { authority, issuer, audience, wall } = this.#options;
    const options = {
      ...{ issuer, audience },
      algorithms: [...authority.algorithms],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(wall()),
      requiredClaims: ["exp"],
    };
    try {
      const { payload } = await jwtVerify(text, authority.keyFor, options).catch((error: unknown) =>
        tryEach(error, (found) => jwtVerify(text, found, options)),
      );
      const principal = this.#principalOf(payload, key);
      if (principal === null) return "unknown";
      this.#learn(key, principal);
      return principal;
    } catch (error) {
      if (error instanceof errors.JWTExpired) return "expired";
      if (error instanceof errors.JOSEError) return "unknown";
      throw error;
    }
  }

  #learn(key: string, principal: Principal): void {
    if (this.#known.size >= mostKnown) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(key, principal);
    principal.tenure.onOver(() => {
      if (this.#known.get(key) === principal) this.#known.delete(key);
    });
  }

  #principalOf(payload: JWTPayload, key: string): Principal | null {
    const { tenantClaim, scopeClaim } = this.#options;
    const tenant = tenantSchema.safeParse(own(payload, tenantClaim));
    if (!tenant.success || payload.exp === undefined) return null;
    const tenure = new Tenure();
    this.#expiry.add(tenure, Math.min((payload.exp + toleranceSeconds) * 1_000, lastInstant));
    return {
      id: `jwt:${nameOf(payload.sub ?? key)}`,
      tenant: tenant.data,
      scopes: scopesIn(own(payload, scopeClaim)),
      publish: null,
      subscribe: null,
      tenure,
    };
  }
}

/** Several keys may fit where a token names none: the one that has signed is among them, or none is. */
async function tryEach<T>(error: unknown, verify: (key: CryptoKey) => Promise<T>): Promise<T> {
  if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
  for await (const key of error) {
    try {
      return await verify(key);
    } catch (failure) {
      if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function own(payload: JWTPayload, claim: string): unknown {
  return Object.hasOwn(payload, claim) ? payload[claim] : undefined;
}

/** Those that there are; an identity provider may have others for other services. */
function scopesIn(claim: unknown): ReadonlySet<Scope> {
  const given = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [];
  return new Set(scopes.filter((scope) => given.includes(scope)));
}

/** Who it is, as it may stand in a log. */
function nameOf(subject: string): string {
  return /^[\u0021-\u007e]{1,64}$/.test(subject) ? subject : hashOf(subject).toString("hex").slice(0, 16);
}
