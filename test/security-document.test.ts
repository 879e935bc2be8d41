import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { settingsTable } from "../src/settings.ts";
import { describe, it } from "./support/test.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Row {
  readonly threat: string;
  readonly shownBy: string;
}

function rows(document: string): Row[] {
  return document
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => ({ cells: line.split("|").map((cell) => cell.trim()) }))
    .filter(({ cells }) => cells.length === 5 && cells[3] !== "shown by" && !/^-+$/.test(cells[1] ?? ""))
    .map(({ cells }) => ({ threat: cells[1] ?? "", shownBy: cells[3] ?? "" }));
}

const document = read("docs/security.md");

describe("docs/security.md", () => {
  it("has a test for each threat, which is there", () => {
    const table = rows(document);
    assert.ok(table.length >= 68, `${table.length} rows`);
    for (const { threat, shownBy } of table) {
      const named = shownBy.split(", ");
      assert.ok(named.length > 0 && shownBy !== "", threat);
      for (const name of named) {
        const file = /^`(test\/[\w./-]+\.test\.ts)`$/.exec(name)?.[1];
        assert.ok(file !== undefined, `${threat}: ${name} is no test`);
        assert.ok(existsSync(join(root, file)), `${threat}: ${file} is not there`);
      }
    }
  });

  it("has a section of what is not defended", () => {
    const rest = document.split("## What is not defended")[1] ?? "";
    assert.ok((rest.match(/^- \*\*/gm) ?? []).length >= 8);
  });
});

describe("documents", () => {
  for (const path of [
    "docs/security.md",
    "docs/deployment.md",
    "docs/operations.md",
    "docs/cluster.md",
    "docs/decisions/0008-shards-are-cells.md",
    "SECURITY.md",
    "Dockerfile",
  ]) {
    it(`${path} names settings and files that are there`, () => {
      const lines = read(path).split("\n");
      assert.doesNotMatch(lines.join("\n"), /TODO/);
      for (const line of lines) {
        for (const [, name = "", rest = ""] of line.matchAll(/\bCONNACK_([A-Z0-9_]*[A-Z0-9])(_\*)?/g)) {
          const known = Object.keys(settingsTable).some((each) =>
            rest === "" ? each === name : each.startsWith(`${name}_`),
          );
          assert.ok(known, `CONNACK_${name}${rest} is no setting: ${line}`);
        }
        for (const [, file = ""] of line.matchAll(/`((?:test|docs|src)\/[\w./-]+)`/g))
          assert.ok(existsSync(join(root, file)), `${file} is not there`);
        for (const [, file = ""] of line.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
          assert.ok(existsSync(join(root, path, "..", file)), `${file} is not there`);
      }
    });
  }
});
