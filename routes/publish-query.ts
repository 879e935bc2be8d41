import { z } from "@hono/zod-openapi";
import { Problem, type FieldError } from "../src/problem.ts";
import type { AppContext } from "./context.ts";
import { invalidRequest } from "./middleware/problems.ts";
import { waitOf, waitParameter } from "./waiting.ts";

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

const waitQuery = z.strictObject({ wait: waitParameter });

/** The wait of the forms whose options stand in JSON: a call that has one elsewhere is refused. */
export function waitOfForm(c: AppContext, query: Query): number {
  refuseOptionHeaders(
    c.req.raw.headers,
    "options stand in the JSON, unless ?topic= says that the body is the payload",
  );
  const unknown = [...query.keys()].filter((name) => name !== "wait");
  if (unknown.length > 0)
    throw invalidParameters(
      unknown.map((parameter) => ({ parameter, detail: "there is no such parameter" })),
    );
  return readWait(c, query.get("wait"));
}

export function readWait(c: AppContext, values: readonly string[] | undefined): number {
  if (values === undefined) return waitOf(c, undefined);
  if (values.length > 1) throw invalidParameters([{ parameter: "wait", detail: "may be given once" }]);
  const result = waitQuery.safeParse({ wait: values[0] });
  if (!result.success) throw invalidRequest(result.error.issues, false);
  return waitOf(c, result.data.wait);
}

/** Refuses `Mqtt-` headers where options stand elsewhere. */
function refuseOptionHeaders(headers: Headers, detail: string): void {
  const errors: FieldError[] = [];
  // oxlint-disable-next-line unicorn/no-array-for-each -- several times as fast as an iterator, for each request
  headers.forEach((_, name) => {
    if (name.startsWith("mqtt-")) errors.push({ parameter: name, detail });
  });
  if (errors.length > 0) throw invalidParameters(errors);
}
