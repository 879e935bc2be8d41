import { microseconds, percent, perSecond, times, type Report } from "./report.ts";
import { median } from "./statistics.ts";
import { ratio, type Contestant } from "./turns.ts";

/** A row with the ratio to a base, which may have a target, and rows of the others. */
export function tellRates(
  figure: string,
  ours: Contestant,
  base: Contestant,
  target: number | null,
  others: readonly Contestant[],
  report: Report,
): void {
  const toBase = ratio(ours, base);
  report({
    figure,
    value: perSecond(median(ours.rates)),
    beside: `${base.name} ${perSecond(median(base.rates))}; ${times(toBase)}`,
    ...(target === null ? {} : { target: `${target.toFixed(2)} ×`, met: toBase >= target }),
  });
  for (const other of others) {
    report({
      figure: `  the same, ${other.name}`,
      value: "",
      beside: `${perSecond(median(other.rates))}, ${times(ratio(other, base))} of ${base.name}; connack ${times(ratio(ours, other))}`,
    });
  }
  for (const contestant of [ours, base, ...others]) {
    const each = Object.keys(contestant.pids).map(
      (process) =>
        `${process} ${microseconds(median(contestant.costs[process] ?? []))}, ${percent(median(contestant.shares[process] ?? []))}`,
    );
    report({
      figure: `  processor time of each, and of a core: ${contestant.name}`,
      value: "",
      beside: each.join("; "),
    });
  }
  for (const { name, lost } of [ours, base, ...others])
    if (lost !== 0) report({ figure: "  LOST", value: "", beside: `${name}: ${lost}` });
}
