import assert from "node:assert/strict";

/** Texts that MQTT carries; what has broken somebody's parser, terminal or log before. */
export const odd: readonly (readonly [what: string, text: string])[] = [
  ["CR LF", "a\r\nb"],
  ["LF", "\na\n\nb\n"],
  ["CR", "a\rb\r"],
  ["an SSE field", "a\ndata: forged\nid: 1\nevent: closed\n\n"],
  ["ESC", "\u001b[31mred\u001b]0;title\u0007"],
  ["C1 controls", "\u0085\u009b31m\u0080"],
  ["line and paragraph separators", "a\u2028b\u2029c"],
  ["bidi marks", "\u202eabc\u202c\u2066x\u2069\u200e\u200f\u061c"],
  ["a byte order mark in front", "\uFEFFa"],
  ["a byte order mark inside", "a\uFEFF/\uFEFF"],
  ["four bytes a character", "😀/𝄞/\u{10FFFF}"],
  ["non-characters", "\uFFFE\uFFFF\uFDD0\u{1FFFE}"],
  ["the replacement character", "\uFFFD"],
  ["quotes and backslashes", `"\\"\\u000a'`],
  ["markup", "</script><!--"],
  ["combining characters, not normalised", "e\u0301\u00e9\u1e9b\u0323"],
  ["DEL, TAB and others", "\t\u0001\u001f\u007f"],
];

/** One line each, that parses, and in which nothing acts on a terminal. */
export function assertLogIsSafe(logs: readonly string[]): void {
  for (const log of logs) {
    assert.ok(log.endsWith("\n"));
    const text = log.slice(0, -1);
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    JSON.parse(text);
  }
}
