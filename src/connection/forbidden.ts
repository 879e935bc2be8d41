import type { Connection } from "./connection.ts";

/**
 * Ends the network connections, and the attempts at one, that the policy forbids by now; with how many there were. Those
 * connections become `failed`, and can be looked at and deleted as before. Those that wait for another attempt have
 * nothing open, and are checked when they dial.
 */
export function closeForbidden(connections: Iterable<Connection>): number {
  // All of them before the first changes anything.
  return [...connections].filter((connection) => connection.recheck()).length;
}
