import { z } from "@hono/zod-openapi";
import { Problem, type FieldError } from "../src/problem.ts";
import { invalidRequest } from "./middleware/problems.ts";
import { waitParameter } from "./waiting.ts";

/** The parameters of a URL by their names, in order; each with all of its values. */
export type Query = ReadonlyMap<string, readonly string[]>;

const noQuery: Query = new Map();

/** A problem of parameters and headers. */
export function invalidParameters(errors: readonly FieldError[]): Problem {
  const [first] = errors;
  const where = first !== undefined && "parameter" in first ? `${first.parameter}: ` : "";
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  return new Problem("invalid-request", { detail: `${where}${first?.detail ?? "not valid"}${more}`, errors });
}

/**
 * Reads the query. Strictly: what the framework reads leaves bytes that are not UTF-8 as they are written, and a topic
 * name would be another one.
 *
 * @throws {Problem} `invalid-request`
 */
export function readQuery(url: string): Query {
  const from = url.indexOf("?");
  if (from === -1) return noQuery;
  const query = new Map<string, string[]>();
  const hash = url.indexOf("#", from);
  for (const part of url.slice(from + 1, hash === -1 ? undefined : hash).split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const rawName = equals === -1 ? part : part.slice(0, equals);
    const name = decodeForm(rawName);
    const value = equals === -1 ? "" : decodeForm(part.slice(equals + 1));
    if (name === null || value === null)
      throw invalidParameters([{ parameter: rawName, detail: notDecodable }]);
    const known = query.get(name);
    if (known === undefined) query.set(name, [value]);
    else known.push(value);
  }
  return query;
}

const notDecodable = "expected UTF-8, percent-encoded";

function decodeForm(text: string): string | null {
  return decodePercent(text.replaceAll("+", " "));
}

/** Null where the text is not percent-encoded UTF-8. */
export function decodePercent(text: string): string | null {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const mostQueueSeconds = 604_800;

/**
 * `?queue=` in seconds: the message is accepted, to be delivered within that time. Undefined where it is not.
 *
 * @throws {Problem} `invalid-request`
 */
export function readQueue(query: Query): number | undefined {
  const values = query.get("queue");
  if (values === undefined) return undefined;
  const [text = ""] = values;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (values.length === 1 && seconds >= 1 && seconds <= mostQueueSeconds) return seconds;
  throw invalidParameters([
    { parameter: "queue", detail: `expected a whole number of seconds, 1 to ${mostQueueSeconds}` },
  ]);
}

const waitQuery = z.strictObject({ wait: waitParameter });

/**
 * `?wait=` in seconds.
 *
 * @throws {Problem} `invalid-request`
 */
export function readWait(query: Query): number | undefined {
  const values = query.get("wait");
  if (values === undefined) return undefined;
  if (values.length > 1) throw invalidParameters([{ parameter: "wait", detail: "may be given once" }]);
  const result = waitQuery.safeParse({ wait: values[0] });
  if (result.success) return result.data.wait;
  throw invalidRequest(result.error.issues, false);
}

/**
 * Refuses options of a raw publish where the body says all.
 *
 * @throws {Problem} `invalid-request`
 */
export function refuseOptions(query: Query, headers: Headers): void {
  const errors: FieldError[] = [];
  for (const parameter of query.keys())
    if (parameter !== "wait" && parameter !== "queue")
      errors.push({ parameter, detail: "there is no such parameter" });
  // oxlint-disable-next-line unicorn/no-array-for-each -- several times as fast as an iterator, for each request
  headers.forEach((_, parameter) => {
    if (parameter.startsWith("mqtt-"))
      errors.push({
        parameter,
        detail: "options stand in the JSON, unless ?topic= says that the body is the payload",
      });
  });
  if (errors.length > 0) throw invalidParameters(errors);
}
