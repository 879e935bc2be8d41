import type { Hook } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { CallerLeft } from "../../src/connection/operations.ts";
import { Problem, type FieldError } from "../../src/problem.ts";
import type { Logger } from "../../src/log.ts";
import { storeProblem } from "../../src/store/problems.ts";
import { StoreError } from "../../src/store/store.ts";
import type { App, AppContext, AppEnv } from "../context.ts";
import { isTokenOver } from "./call-signal.ts";
import { requestIdHeader } from "./request-id.ts";
import { tokenIsOver } from "./unauthorized.ts";

/** Nobody reads it; the status that proxies log for it. */
const callerLeftStatus = 499;

/** The answer that tells of a problem. */
export function problemResponse(c: AppContext, problem: Problem): Response {
  c.get("counters")?.refused(problem);
  c.set("problemCode", problem.code);
  const { retryAfterSeconds, allow, challenge } = problem.details;
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    [requestIdHeader]: c.get("requestId"),
  };
  // After a body that did not come nothing can: what comes on that connection is the rest of it.
  if (problem.code === "request-timeout") headers["connection"] = "close";
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  if (allow !== undefined) headers["allow"] = allow.join(", ");
  if (challenge !== undefined) headers["www-authenticate"] = challenge;
  return c.newResponse(JSON.stringify(problem.toBody(c.get("requestId"))), problem.status as 400, headers);
}

/** Everything thrown in a route becomes a problem here; what is not one is a defect of ours: 500, with the log knowing why. */
export function onError(logger: Logger) {
  return (error: Error, c: AppContext): Response => {
    if (error instanceof Problem) return problemResponse(c, error);
    if (error instanceof StoreError) return problemResponse(c, storeProblem(error));
    if (error instanceof CallerLeft) return callerLeft(c);
    const known = error instanceof HTTPException ? frameworkProblem(error) : null;
    if (known !== null) return problemResponse(c, known);
    logger.error("request failed", {
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      error: error.stack ?? String(error),
    });
    return problemResponse(
      c,
      new Problem("internal-error", "Connack could not answer; its log has the details"),
    );
  };
}

/** Nobody is there to answer, unless it was we who ended the call: its token was revoked, or has run out. */
function callerLeft(c: AppContext): Response {
  return isTokenOver(c) ? problemResponse(c, tokenIsOver()) : c.newResponse(null, callerLeftStatus as 400);
}

/** What Hono refuses by itself. */
function frameworkProblem({ status }: HTTPException): Problem | null {
  if (status === 400) return new Problem("malformed-request", "The body cannot be read");
  if (status === 413) return new Problem("content-too-large", "The body is too large");
  if (status === 415) return new Problem("unsupported-media-type", "This call reads application/json");
  return null;
}

/** 405 with `Allow` where the path exists for other methods, else 404. */
export function onNotFound(app: App) {
  return (c: AppContext): Response => {
    const allow = allowedMethods(app, c.req.path);
    if (allow.length === 0)
      return problemResponse(c, new Problem("not-found", `There is nothing at ${c.req.path}`));
    return problemResponse(
      c,
      new Problem("method-not-allowed", {
        detail: `${c.req.method} is not for this path; use ${allow.join(", ")}`,
        allow,
      }),
    );
  };
}

function allowedMethods(app: App, path: string): string[] {
  const segments = path.split("/");
  const fits = (pattern: string) => {
    const parts = pattern.split("/");
    return (
      parts.length === segments.length &&
      parts.every((part, i) => part === segments[i] || (part.startsWith(":") && segments[i] !== ""))
    );
  };
  return [
    ...new Set(
      app.routes.filter((route) => route.method !== "ALL" && fits(route.path)).map((route) => route.method),
    ),
  ].toSorted();
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

/** Listed at most: a body of unknown fields must not get an answer that is larger still. */
const mostErrors = 100;

/** Turns what a schema found into `invalid-request`. */
export const onInvalid: Hook<unknown, AppEnv, string, unknown> = (result) => {
  if (result.success) return undefined;
  throw invalidRequest(result.error.issues as readonly Issue[], result.target === "json");
};

/** The problem of what a schema found, in a body or in parameters. */
export function invalidRequest(issues: readonly Issue[], inBody: boolean): Problem {
  const errors = issues.flatMap((issue) => fieldErrors(issue, inBody));
  return new Problem("invalid-request", { detail: summary(errors), errors: errors.slice(0, mostErrors) });
}

function fieldErrors(issue: Issue, inBody: boolean): FieldError[] {
  if (issue.code === "unrecognized_keys" && issue.keys !== undefined) {
    return issue.keys.map((key) =>
      located([...issue.path, key], inBody ? "there is no such field" : "there is no such parameter", inBody),
    );
  }
  return [located(issue.path, inWords(issue.message), inBody)];
}

/** The schema library's own sentences, as ours are. */
function inWords(message: string): string {
  const input = /^Invalid input: expected (\w+), received (\w+)$/.exec(message);
  if (input !== null) {
    const [, expected = "", received = ""] = input;
    const wanted = `expected ${article(expected === "record" ? "object" : expected)}`;
    return received === "undefined" ? `is missing; ${wanted}` : `${wanted}, not ${article(received)}`;
  }
  const option = /^Invalid option: expected one of (.+)$/.exec(message)?.[1];
  return option === undefined ? message : `expected one of ${option.replaceAll("|", ", ")}`;
}

function article(type: string): string {
  if (type === "null") return type;
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}

function located(path: readonly PropertyKey[], detail: string, inBody: boolean): FieldError {
  if (!inBody) return { parameter: String(path[0] ?? ""), detail };
  return { pointer: pointerTo(path), detail };
}

/** A JSON Pointer (RFC 6901). */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function summary(errors: readonly FieldError[]): string {
  const [first] = errors;
  if (first === undefined) return "The request is not valid";
  const where = "pointer" in first ? first.pointer || "the body" : first.parameter;
  const rest = errors.length > mostErrors ? `; the first ${mostErrors} of ${errors.length} are listed` : "";
  const more = errors.length > 1 ? `, and ${errors.length - 1} more${rest}` : "";
  return `${where}: ${first.detail}${more}`;
}
