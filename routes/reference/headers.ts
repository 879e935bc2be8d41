import type { ProblemCode } from "../../src/problem-catalogue.ts";
import type { AnswerHeader, JsonSchema, RequestHeader } from "./call.ts";

interface Header {
  readonly description: string;
  readonly schema: JsonSchema;
}

const text = (description: string, more: JsonSchema = {}): Header => ({
  description,
  schema: { type: "string", ...more },
});

export const requestHeaders: Readonly<Record<Exclude<RequestHeader, "Mqtt-*">, Header>> = {
  Prefer: text(
    "`wait=<seconds>`, as ?wait=, which wins; `respond-async` answers without waiting (RFC 7240).",
  ),
  "Idempotency-Key": text(
    "Makes the call safe to repeat: with the same key, the first answer is given again for 24 hours.",
    { minLength: 1, maxLength: 255 },
  ),
  "If-Match": text("Only if the connection is as this ETag says, or, with `*`, is there."),
  "If-None-Match": text("Only if the connection is not as this ETag says, or, with `*`, is not there."),
  "Last-Event-ID": text("Where the reader of a stream has been: it goes on behind that.", { maxLength: 128 }),
};

export const answerHeaders: Readonly<Record<AnswerHeader, Header>> = {
  ETag: text("The version of what is answered, for If-Match and If-None-Match."),
  Location: text("The path of what was made."),
  Link: text('The next page, as `<path>; rel="next"` (RFC 8288); absent on the last.'),
  "Set-Cookie": text("The session's cookie: HttpOnly, SameSite=Strict."),
  Allow: text("The methods that there are for the path."),
  "WWW-Authenticate": text("How to say who one is (RFC 6750 §3)."),
  "Idempotent-Replayed": text("`true`: the answer is that of an earlier call with the same Idempotency-Key."),
  "Preference-Applied": text("Which preferences of Prefer were applied."),
  "Connack-Last-Event-Id": text("Behind which entry the stream, or the page of events, begins."),
};

/** Which come with a problem, besides those that the call has when it goes well. */
export const problemHeaders: Readonly<Partial<Record<ProblemCode, readonly AnswerHeader[]>>> = {
  "method-not-allowed": ["Allow"],
  unauthorized: ["WWW-Authenticate"],
};

/** Which any answer may have, told once. */
export const commonHeaders: Readonly<Record<string, Header>> = {
  "X-Request-Id": text("Names the call in the log; in problems as `instance`."),
  RateLimit: text("How many calls are left, to callers with a token (draft-ietf-httpapi-ratelimit-headers)."),
  "RateLimit-Policy": text("How many calls there may be."),
  "Retry-After": {
    description: "Seconds after which trying again can help; of problems alone.",
    schema: { type: "integer", minimum: 0 },
  },
};
