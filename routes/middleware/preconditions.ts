import type { Connection } from "../../src/connection/connection.ts";
import { Problem } from "../../src/problem.ts";
import type { AppContext } from "../context.ts";

/**
 * Names the connection and its version; a deleted and re-created id does not get an old tag again. Weak (RFC 9110
 * §8.8.1): the view has counters and times that change without the version.
 */
export function etagOf(connection: Connection): string {
  return `W/"${connection.createdAt.toString(36)}.${connection.machine.version}"`;
}

/** Compares weakly for `If-Match`, too: what a change is conditional upon is the version. */
function lists(header: string, tag: string): boolean {
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return header.trim() === "*" || header.split(",").some((part) => opaque(part) === opaque(tag));
}

/**
 * Checks `If-Match` and `If-None-Match` (RFC 9110 §13.1) before a change.
 *
 * @throws {Problem} `precondition-failed`
 */
export function preconditions(c: AppContext, connection: Connection | null): void {
  const match = c.req.header("if-match");
  if (match !== undefined && (connection === null || !lists(match, etagOf(connection)))) {
    throw new Problem("precondition-failed", "If-Match does not name the connection as it is now");
  }
  const noneMatch = c.req.header("if-none-match");
  if (noneMatch !== undefined && connection !== null && lists(noneMatch, etagOf(connection))) {
    throw new Problem("precondition-failed", "If-None-Match names the connection as it is now");
  }
}

/** Whether the caller has this version already. */
export function isUnchanged(c: AppContext, connection: Connection): boolean {
  const header = c.req.header("if-none-match");
  return header !== undefined && lists(header, etagOf(connection));
}
