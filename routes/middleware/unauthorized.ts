import { Problem } from "../../src/problem.ts";

/** What a caller has to bring (RFC 6750 §3); with `error` where it brought something that is no good. */
const asked = "Bearer";
const invalid = 'Bearer error="invalid_token"';

/** Nothing was brought that could be looked at. */
export function tokenNeeded(detail = "This call needs a token: Authorization: Bearer <token>"): Problem {
  return new Problem("unauthorized", { detail, challenge: asked });
}

export function tokenInvalid(detail: string): Problem {
  return new Problem("unauthorized", { detail, challenge: invalid });
}

/** It was good when the call began. */
export function tokenIsOver(): Problem {
  return tokenInvalid("The token was revoked, or has expired, while the call was under way");
}
