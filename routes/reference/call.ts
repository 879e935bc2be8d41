import type { Scope } from "../../src/access/principal.ts";
import type { ProblemCode } from "../../src/problem-catalogue.ts";
import type { SchemaName } from "./schemas.ts";

/** In the order in which the reference has them, each with what it is about. */
export const tags = {
  Connections: "MQTT clients that are held open: opened, looked at, kept, closed.",
  Publishing: "Messages to the broker: now, or when it is there again.",
  Reading: "Messages from the broker, and the subscriptions that bring them.",
  Webhooks: "Messages and events, delivered to an endpoint.",
  Access: "Tokens, tickets for streams, and sessions of browsers.",
  Service: "The server itself.",
} as const;

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Headers of requests and answers that the reference explains, in `headers.ts`. */
export type RequestHeader =
  | "Prefer"
  | "Idempotency-Key"
  | "If-Match"
  | "If-None-Match"
  | "Last-Event-ID"
  | "Mqtt-*";
export type AnswerHeader =
  | "ETag"
  | "Location"
  | "Link"
  | "Set-Cookie"
  | "Allow"
  | "WWW-Authenticate"
  | "Idempotent-Replayed"
  | "Preference-Applied"
  | "Connack-Last-Event-Id";

/** The body of an answer of one media type: what it is, or, of a stream, what each of its items is. */
export interface Content {
  readonly schema?: SchemaName;
  readonly items?: readonly SchemaName[];
}

/** What comes back when it went well. */
export interface Success {
  readonly description: string;
  /** JSON of this schema; for other media types `content`. */
  readonly schema?: SchemaName;
  readonly content?: Readonly<Record<string, Content>>;
  readonly headers?: readonly AnswerHeader[];
}

/** A call as one would make it; a test makes each of them. */
export interface Example {
  readonly summary: string;
  readonly status: number;
  /** For what stands in the path. */
  readonly values?: Readonly<Record<string, string>>;
  /** With its question mark. */
  readonly query?: string;
  readonly accept?: string;
  /** Of the body; JSON unless it is said. */
  readonly type?: string;
  /** A text is sent as it stands. */
  readonly body?: unknown;
}

/** What there is to be said of a call beyond what its route declares. */
export interface Call {
  /** Stable: generated clients name their functions by it. */
  readonly id: string;
  readonly tag: keyof typeof tags;
  readonly summary: string;
  readonly description: string;
  /** Any: whatever the token's scopes; none: no token either. */
  readonly needs: Scope | "any" | "none";
  /** Takes a stream ticket, too. */
  readonly ticket?: true;
  /** The name of the body's schema. */
  readonly body?: string;
  readonly headers?: readonly RequestHeader[];
  readonly success: Readonly<Record<number, Success>>;
  /** Those that are of this call; what any call may be answered with is added. */
  readonly problems?: readonly ProblemCode[];
  readonly examples: readonly Example[];
}

/** By method and path, as `GET /connections/{id}`. */
export type Calls = Readonly<Record<string, Call>>;
