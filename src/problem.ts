import { catalogue, type ProblemCode } from "./problem-catalogue.ts";

export type { ProblemCode } from "./problem-catalogue.ts";

/** One thing that is wrong with a request: where (JSON Pointer of RFC 6901, or the parameter's name), and what was wanted. */
export type FieldError =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string };

/** What a problem says beyond its catalogue entry. Never holds secrets or payloads. */
export interface ProblemDetails {
  readonly detail: string;
  readonly retryable?: boolean;
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
  readonly stage?: string;
  readonly hint?: string;
  readonly cause?: string;
  readonly httpStatus?: number;
  readonly mqtt?: object;
  readonly limit?: { readonly name: string; readonly value: number };
  readonly state?: string;
  readonly allow?: readonly string[];
  /** What `WWW-Authenticate` says (RFC 9110 §11.6.1). */
  readonly challenge?: string;
  /** Whether trying again may make the same message arrive twice. */
  readonly duplicatePossible?: boolean;
}

/** An error that a caller is told, as `application/problem+json` (RFC 9457). Statuses come from the catalogue alone. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, details: ProblemDetails | string) {
    const full = typeof details === "string" ? { detail: details } : details;
    super(full.detail);
    this.name = "Problem";
    this.code = code;
    this.details = full;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get retryable(): boolean {
    return this.details.retryable ?? catalogue[this.code].retryable;
  }

  /** The body; `requestId` becomes `instance`. */
  toBody(requestId: string): Record<string, unknown> {
    const { retryAfterSeconds: _after, allow: _allow, challenge: _challenge, detail, ...rest } = this.details;
    return {
      type: `/problems/${this.code}`,
      title: catalogue[this.code].title,
      status: this.status,
      detail,
      instance: `urn:request:${requestId}`,
      code: this.code,
      ...rest,
      retryable: this.retryable,
    };
  }
}
