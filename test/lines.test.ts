import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Lines, type Line } from "../src/lines.ts";
import { describe, it } from "./support/test.ts";

/** All lines of the chunks, each pushed when the one before is used up. */
function linesOf(chunks: readonly (string | Uint8Array)[], maxBytes = 1_000): Line[] {
  const lines = new Lines(maxBytes);
  const found: Line[] = [];
  const drain = () => {
    for (let line = lines.next(); line !== null; line = lines.next()) found.push(line);
  };
  for (const chunk of chunks) {
    lines.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    drain();
  }
  lines.end();
  drain();
  return found;
}

const texts = (chunks: readonly (string | Uint8Array)[], maxBytes?: number) =>
  linesOf(chunks, maxBytes).map((line) => [line.number, "text" in line ? line.text : line.wrong]);

describe("Lines", () => {
  for (const [name, chunks, expected] of [
    ["nothing", [], []],
    [
      "LF and CRLF",
      ["a\nb\r\nc\n"],
      [
        [1, "a"],
        [2, "b"],
        [3, "c"],
      ],
    ],
    [
      "a last line without its end",
      ["a\nb"],
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    [
      "a last line that ends with CR",
      ["a\nb\r"],
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    [
      "empty lines are counted",
      ["\n\r\na\n\n\nb\n"],
      [
        [3, "a"],
        [6, "b"],
      ],
    ],
    [
      "CR and LF in two chunks",
      ["a\r", "\nb\n"],
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    [
      "an empty line's CR and LF in two chunks",
      ["a\n\r", "\nb\n"],
      [
        [1, "a"],
        [3, "b"],
      ],
    ],
    ["a CR inside of a line stays", ["a\rb\n"], [[1, "a\rb"]]],
    [
      "a line in three chunks",
      ["a", "b", "c\nd"],
      [
        [1, "abc"],
        [2, "d"],
      ],
    ],
    ["a character in two chunks", [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], [[1, "é"]]],
    ["a byte order mark stays", ["\ufeffa\n"], [[1, "\ufeffa"]]],
    [
      "bytes that are not UTF-8",
      [Buffer.from("a\n?\nb\n".replace("?", "\xe9"), "latin1")],
      [
        [1, "a"],
        [2, "not-utf8"],
        [3, "b"],
      ],
    ],
  ] as const) {
    it(`next() cuts: ${name}`, () => assert.deepEqual(texts(chunks), expected));
  }

  it("next() keeps nothing of a line that is too long, and goes on behind it", () => {
    const long = "x".repeat(11);
    const fits = "y".repeat(10);
    const expected = [
      [1, "too-long"],
      [2, fits],
      [3, fits],
      [4, "too-long"],
      [5, "z"],
    ];
    const text = `${long}\n${fits}\n${fits}\r\n${long}\r\nz\n`;
    assert.deepEqual(texts([text], 10), expected);
    assert.deepEqual(texts(text.split(""), 10), expected);
    assert.deepEqual(texts(["x".repeat(1_000), "x".repeat(1_000), "\na\n"], 10), [
      [1, "too-long"],
      [2, "a"],
    ]);
    assert.deepEqual(texts(["x".repeat(1_000), "x".repeat(1_000)], 10), [[1, "too-long"]]);
  });

  it("next() gives the same lines wherever the chunks are cut", () => {
    const part = fc.constantFrom("\n", "\r", "\r\n", "a", "bc", "é", "€", "😀", "x".repeat(9));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.array(fc.nat(5)), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const length = cuts.length === 0 ? bytes.length : (cuts[i % cuts.length] ?? 0) + 1;
          chunks.push(bytes.subarray(at, at + length));
          at += length;
        }
        const simple = bytes
          .toString()
          .split("\n")
          .map((text, index) => [index + 1, text.replace(/\r$/, "")] as const)
          .filter(([, text]) => text !== "");
        assert.deepEqual(texts(chunks, 1_000), simple);
        const short = linesOf(chunks, 8);
        assert.deepEqual(short, linesOf([bytes], 8));
        for (const line of short) assert.ok("wrong" in line || line.bytes <= 8);
      }),
    );
  });
});
