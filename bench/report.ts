/** One figure of the table; `verdict` compares it with its target, where it has one. */
export interface Row {
  readonly figure: string;
  readonly value: string;
  readonly beside?: string;
  readonly target?: string;
  readonly met?: boolean;
}

export type Report = (row: Row) => void;

const columns = ["figure", "connack", "beside", "target", ""] as const;

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ figure, value, beside = "", target = "", met }) => [
    figure,
    value,
    beside,
    target,
    met === undefined ? "" : met ? "met" : "MISSED",
  ]);
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(columns), rule, ...cells.map(line)].join("\n");
}

export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const microseconds = (value: number) => `${value.toFixed(1)} µs`;
export const perSecond = (value: number) => `${value.toFixed(0)}/s`;
export const kilobytes = (bytes: number) => `${(bytes / 1_024).toFixed(1)} KiB`;
export const times = (ratio: number) => `${ratio.toFixed(2)} ×`;
export const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
