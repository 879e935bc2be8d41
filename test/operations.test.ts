import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { families } from "../src/metrics/families.ts";
import { probeFamilies } from "../src/metrics/probe-families.ts";
import { catalogue } from "../src/problem-catalogue.ts";
import { describe, it } from "./support/test.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");

interface Known {
  readonly type: string;
  readonly labels: readonly string[];
}

const known = new Map<string, Known>(
  [...families, ...probeFamilies].map(({ name, type, labels }) => [name, { type, labels }]),
);

/** The family of a series: one of a histogram has three names, and none is its own. */
function familyOf(series: string): Known | undefined {
  const [, base, suffix] = /^(.+)_(bucket|sum|count)$/.exec(series) ?? [];
  const histogram = base === undefined ? undefined : known.get(base);
  if (histogram?.type === "histogram")
    return { ...histogram, labels: [...histogram.labels, ...(suffix === "bucket" ? ["le"] : [])] };
  const family = known.get(series);
  return family?.type === "histogram" ? undefined : family;
}

const ofTheJob = ["job", "instance"];

/** Every series of an expression is one of ours, or `up`; and so are the labels that it asks about. */
function checkExpression(expression: string): void {
  const bare = expression.replaceAll(/"[^"]*"/g, '""');
  for (const [, series = "", , matchers = ""] of bare.matchAll(
    /\b((?:connack|probe|process)_\w+)(\{([^}]*)\})?/g,
  )) {
    const family = familyOf(series);
    assert.ok(family !== undefined, `${series} is no metric: ${expression}`);
    for (const [, label = ""] of matchers.matchAll(/(\w+)\s*[!=]/g))
      assert.ok([...family.labels, ...ofTheJob].includes(label), `${series} has no label ${label}`);
    if (!series.includes("_bucket")) continue;
    assert.match(expression, /histogram_quantile\(/);
  }
  const labels = new Set([...known.values()].flatMap((family) => family.labels));
  for (const [, by = ""] of bare.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of by.split(",").map((each) => each.trim()))
      assert.ok(labels.has(label) || [...ofTheJob, "le"].includes(label), `by ${label}: ${expression}`);
  for (const [, code = ""] of expression.matchAll(/\bcode="([^"]*)"/g))
    assert.ok(Object.hasOwn(catalogue, code), `${code} is no problem`);
  for (const [open, close] of ["()", "{}", "[]"] as unknown as Iterable<[string, string]>)
    assert.equal(bare.split(open).length, bare.split(close).length, expression);
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const rules = (
  parse(read("docs/prometheus/connack.rules.yaml")) as { groups: { name: string; rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const { panels } = JSON.parse(read("docs/grafana/connack.json")) as { panels: Panel[] };

describe("docs/prometheus/connack.rules.yaml", () => {
  it("asks about metrics and labels that there are", () => {
    assert.ok(rules.length >= 10);
    for (const { alert, expr, labels, annotations, for: lasting } of rules) {
      assert.match(alert, /^[A-Z][A-Za-z]+$/);
      checkExpression(expr);
      assert.match(labels.severity, /^(critical|warning)$/);
      assert.ok(annotations.summary.length > 10);
      assert.match(lasting ?? "1m", /^\d+m$/);
    }
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  });
});

describe("docs/grafana/connack.json", () => {
  it("shows metrics and labels that there are, in panels that do not overlap", () => {
    const taken = new Set<string>();
    for (const { type, title, gridPos, targets = [] } of panels) {
      assert.equal(targets.length === 0, type === "row", title);
      for (const { expr } of targets) checkExpression(expr.replaceAll("$__rate_interval", "5m"));
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(x < 24 && !taken.has(`${x} ${y}`), `${title} is on another`);
          taken.add(`${x} ${y}`);
        }
      }
    }
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });

  it("shows every metric of the server", () => {
    const text = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join("\n");
    for (const { name } of families) assert.ok(text.includes(name), `${name} is in no panel`);
  });
});

describe("docs/operations.md", () => {
  const document = read("docs/operations.md");

  it("explains every metric, and none that there is not", () => {
    const named = new Set(
      [...document.matchAll(/`((?:connack|probe|process)_\w+)`/g)].map(([, name]) => name),
    );
    for (const name of known.keys()) assert.ok(named.has(name), `${name} is not explained`);
    for (const name of named) assert.ok(known.has(name ?? ""), `${name} is no metric`);
  });

  it("names alerts that there are", () => {
    const alerts = new Set(rules.map(({ alert }) => alert));
    const named = [...document.matchAll(/`((?:Connack|Broker)[A-Z]\w+)`/g)].map(([, name = ""]) => name);
    assert.ok(named.length >= 10);
    for (const name of named) assert.ok(alerts.has(name), name);
  });

  it("has examples that are YAML, the same as the README's for probes", () => {
    const example = (text: string) => parse(/```yaml\n(scrape_configs:[\s\S]+?)```/.exec(text)?.[1] ?? "");
    const { scrape_configs: jobs } = example(document);
    const [brokers] = example(read("README.md")).scrape_configs;
    const { scrape_interval: _, ...own } = jobs[1];
    assert.deepEqual(own, brokers);
  });
});
