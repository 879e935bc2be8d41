import assert from "node:assert/strict";
import { createLogger } from "../src/log.ts";
import { odd, odder } from "./support/odd-texts.ts";
import { describe, it } from "./support/test.ts";

// oxlint-disable-next-line no-control-regex
const acting = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function linesOf(format: "json" | "text", text: string): string[] {
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format,
    write: (line) => void lines.push(line),
    now: () => 0,
  });
  logger.info(text, { field: text, nested: { [text]: [text] } });
  return lines;
}

describe("createLogger()", () => {
  for (const format of ["json", "text"] as const)
    it(`writes one line of ${format} for whatever text, in which nothing acts on a terminal`, () => {
      for (const [what, text] of [...odd, ...odder]) {
        const lines = linesOf(format, text);
        assert.equal(lines.length, 1);
        const [line = ""] = lines;
        assert.ok(line.endsWith("\n"), what);
        assert.doesNotMatch(line.slice(0, -1), acting, what);
      }
    });

  it("writes JSON that gives the text back", () => {
    for (const [what, text] of [...odd, ...odder]) {
      const { message, field, nested } = JSON.parse(linesOf("json", text)[0] ?? "");
      assert.deepEqual([message, field, nested], [text, text, { [text]: [text] }], what);
    }
  });
});
