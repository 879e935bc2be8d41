import { microseconds, percent, perSecond, times, type Report } from "./report.ts";
import { median } from "./statistics.ts";
import { ratio, type Contestant } from "./turns.ts";

/** Microseconds of processor time for each of the count, of all processes whose names begin so, of each turn. */
export function costsOf({ costs }: Contestant, prefix: string): readonly number[] {
  const all = Object.entries(costs).flatMap(([name, each]) => (name.startsWith(prefix) ? [each] : []));
  return all[0]?.map((_, turn) => all.reduce((sum, each) => sum + (each[turn] ?? Number.NaN), 0)) ?? [];
}

/** A row with what a message costs three nodes, beside one node that does the same, and rows of what else there is. */
export function tellCosts(
  figure: string,
  cluster: Contestant,
  alone: Contestant,
  target: number,
  report: Report,
): void {
  const [ours, base] = [costsOf(cluster, "node"), costsOf(alone, "node")];
  const toBase = median(ours.map((cost, turn) => cost / (base[turn] ?? Number.NaN)));
  report({
    figure: `${figure}: processor time of the nodes for each`,
    value: microseconds(median(ours)),
    beside: `${alone.name} ${microseconds(median(base))}; ${times(toBase)}`,
    target: `${target.toFixed(2)} ×`,
    met: toBase <= target,
  });
  report({
    figure: "  of the servers of NATS for each",
    value: microseconds(median(costsOf(cluster, "nats"))),
  });
  report({
    figure: "  in a second",
    value: perSecond(median(cluster.rates)),
    beside: `${alone.name} ${perSecond(median(alone.rates))}; ${times(ratio(cluster, alone))}`,
  });
  for (const { name, shares } of [cluster, alone]) {
    const each = Object.entries(shares).map(([process, parts]) => `${process} ${percent(median(parts))}`);
    report({ figure: `  of a core: ${name}`, value: "", beside: each.join(", ") });
  }
}
