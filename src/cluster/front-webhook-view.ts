/** What a cell says of a webhook, as far as that is of its own deliveries. */
export interface CellWebhook {
  readonly id: string;
  readonly state: string;
  readonly lastSuccessAt: string | null;
  readonly lastFailure: { readonly at: string } | null;
  readonly failuresInARow: number;
  readonly nextAttemptAt: string | null;
  readonly counters: Readonly<Record<string, number>>;
}

/** One webhook of what all cells say of it: what it is, `own` says, who keeps it; how it goes, all of them. */
export function jointWebhook<T extends CellWebhook>(own: T, others: readonly CellWebhook[]): T {
  const all = [own, ...others];
  const failures = all.flatMap(({ lastFailure }) => (lastFailure === null ? [] : [lastFailure]));
  const isFailing = own.state !== "disabled" && all.some(({ state }) => state === "failing");
  return {
    ...own,
    state: isFailing ? "failing" : own.state,
    lastSuccessAt: timesOf(all, "lastSuccessAt").at(-1) ?? null,
    lastFailure: failures.toSorted((a, b) => order(a.at, b.at)).at(-1) ?? null,
    failuresInARow: all.reduce((sum, { failuresInARow }) => sum + failuresInARow, 0),
    nextAttemptAt: timesOf(all, "nextAttemptAt")[0] ?? null,
    counters: Object.fromEntries(
      Object.keys(own.counters).map((name) => [
        name,
        all.reduce((sum, { counters }) => sum + (counters[name] ?? 0), 0),
      ]),
    ),
  };
}

/** Those that there are, in order. */
function timesOf(all: readonly CellWebhook[], name: "lastSuccessAt" | "nextAttemptAt"): string[] {
  return all.flatMap(({ [name]: at }) => (at === null ? [] : [at])).toSorted(order);
}

/** All are in UTC and of one form. */
function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
