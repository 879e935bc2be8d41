import assert from "node:assert/strict";

/** What an environment file says, as systemd and compose read it. */
export function environmentOf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = "", value = ""] = /^([A-Z_]+)=(.*)$/.exec(line) ?? assert.fail(line);
      return [name, value];
    }),
  );
}
