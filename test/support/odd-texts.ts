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
  ["one space", " "],
  ["spaces alone", "   \u00a0\u3000 "],
  ["spaces around", "  a  "],
  ["a clearing of the screen", "\u001b[2J\u001b[H\u001b]8;;http://a.example\u0007link\u001b]8;;\u0007"],
  ["a bell and backspaces", "safe\u0007\b\b\b\bevil"],
  ["a right-to-left override", "invoice\u202efdp.exe"],
  ["isolates without an end", "\u2067\u2068a\u2066"],
  ["right-to-left script", "שלום/العربية"],
  ["zero width", "a\u200bb\u200c\u200dc\u2060"],
  ["a soft hyphen", "a\u00adb"],
  ["combining characters, 500 on one", `a${"\u0301\u0489".repeat(250)}`],
  ["an emoji of seven, joined", "👨‍👩‍👧‍👦"],
  ["flags and skin", "🇩🇪🏴󠁧󠁢󠁳󠁣󠁴󠁿👍🏽"],
  ["variation selectors", "\u2764\ufe0e\u2764\ufe0f\u{e0100}"],
  ["invisible tags", "a\u{e0061}\u{e0062}\u{e007f}"],
  ["private use", "\ue000\uf8ff\u{f0000}\u{10fffd}"],
  ["composed", "caf\u00e9"],
  ["decomposed", "cafe\u0301"],
  ["ligatures and compatibility forms", "\ufb01\u2126\u212b\u00b5"],
  ["fullwidth digits", "１２３"],
  ["other digits", "٣४৫"],
  ["letters of another script that look alike", "pаypal"],
  ["case that changes the length", "ßİŉǰ"],
  ["Hangul in parts", "\u1112\u1161\u11ab"],
  ["a path upwards", "../../../../etc/passwd"],
  ["a path upwards, of Windows", "..\\..\\windows\\win.ini"],
  ["a dot", "."],
  ["two dots", ".."],
  ["a path upwards, percent-encoded", "%2e%2e%2f%2e%2e%2f"],
  ["NUL, percent-encoded", "a%00b"],
  ["line ends, percent-encoded", "a%0d%0aSet-Cookie:%20a=b"],
  ["percent signs that encode nothing", "100%/%zz/%"],
  ["an overlong slash, percent-encoded", "%c0%af"],
  ["a look-up of log4j", "${jndi:ldap://127.0.0.1:1/a}"],
  ["a template of many engines", "{{7*7}}${7*7}<%= 7*7 %>"],
  ["a template of JavaScript", "`${process.exit()}`"],
  ["SQL", "'; DROP TABLE connections; --"],
  ["SQL of wide quotes", "\u02bc OR 1=1 /*"],
  ["a shell", "$(reboot)`reboot`;reboot|reboot&"],
  ["a script", "<script>alert(1)</script>"],
  ["an image that fails", `"><img src=x onerror=alert(1)>`],
  ["an address that is code", "javascript:alert(1)"],
  ["entities", "&lt;b&gt;&amp;&Tab;"],
  ["an XML entity", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>`],
  ["format strings", "%s%n%x%p%d{0}"],
  ["a formula of a spreadsheet", "=cmd|' /C calc'!A0"],
  ["an LDAP filter", "*)(uid=*))(|(uid=*"],
  ["a regular expression that takes its time", "(a*)*$^[z-a]"],
  ["the names of nothing", "null undefined NaN None nil"],
  ["a name of every object", "constructor"],
  ["JSON", `{"topic":"a","payload":1}`],
  ["an SSE comment and a field", ": a\n\nevent: shutdown"],
  ["a header", "a\r\nX-Injected: yes\r\n\r\nbody"],
  ["a URL", "http://user:pass@[::1]:80/a?b=c"],
  ["a log line of ours", `{"time":"2026","level":"error","message":"forged"}`],
  ["a number", "1e400"],
  ["4,096 characters", "x".repeat(4_096)],
  ["2,000 characters of four bytes", "😀".repeat(2_000)],
];

/** What MQTT does not carry, or not everywhere. */
export const odder: readonly (readonly [what: string, text: string])[] = [
  ["nothing", ""],
  ["NUL", "a\0b"],
  ["NUL alone", "\0"],
  ["half of a surrogate pair", "a\ud800b"],
  ["the other half", "\udc00"],
  ["a wildcard", "a/+/b"],
  ["the other wildcard", "#"],
  ["a wildcard that is none", "a+/#b"],
  ["a shared subscription", "$share/a/b"],
  ["a topic of the broker's own", "$SYS/a"],
  ["65,536 bytes", "x".repeat(65_536)],
];

/** One line each, that parses, and in which nothing acts on a terminal. */
export function assertLogIsSafe(logs: readonly string[]): void {
  for (const log of logs) {
    assert.ok(log.endsWith("\n"));
    const text = log.slice(0, -1);
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(
      text,
      /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
    );
    JSON.parse(text);
  }
}
