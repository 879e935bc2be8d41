import { oldNatsProgram } from "./nats-program.ts";
import { isAvailable, type ToolName } from "./tools.ts";

/**
 * The reason to skip a test that needs this tool, or false when it can run:
 * `it("…", body, { skip: needs("mosquitto") })`.
 *
 * With CI=true it is always false: there a missing tool has to fail, or a green run would prove nothing.
 */
export function needs(...names: readonly ToolName[]): string | false {
  if (process.env["CI"] === "true") return false;
  const missing = names.filter(isMissing);
  return missing.length > 0 && `${missing.join(", ")} not installed`;
}

/** Not every Debian has one, so that this skips in CI too. */
export function needsOldNats(): string | false {
  return oldNatsProgram() === undefined && "this Debian has no nats-server that is too old";
}

function isMissing(name: ToolName): boolean {
  const found = process.env["CONNACK_TEST_MISSING"];
  // The runner has looked already; a file that is run by hand looks for itself.
  return found === undefined ? !isAvailable(name) : found.split(",").includes(name);
}
