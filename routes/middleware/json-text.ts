import { Problem } from "../../src/problem.ts";
import { findFault } from "./json-scan.ts";
import { invalidRequest } from "./problems.ts";

/** As `The body is not valid JSON`. */
type What = "body" | "line";

export type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a JSON text (RFC 8259) strictly: what {@link findFault} finds is refused, and nothing is read as anything else
 * than it says.
 */
export function readJson(text: string, what: What): ReadJson {
  const fault = findFault(text);
  if (fault?.isDeep === true) return refused(invalidFault(fault));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(new Problem("malformed-request", `The ${what} is not valid JSON`));
  }
  return fault === null ? { ok: true, value } : refused(invalidFault(fault));
}

/** Without the byte order mark that a text may begin with (RFC 8259 §8.1 lets a reader ignore it): one, at its very start. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function invalidFault({
  path,
  detail,
}: {
  readonly path: readonly (string | number)[];
  readonly detail: string;
}) {
  return invalidRequest([{ path, message: detail }], true);
}

function refused(problem: Problem): ReadJson {
  return { ok: false, problem };
}
