/** Aborts after a time, or with another signal; to be disposed of, so that no timer outlives what waited. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A deadline in `ms` from now that any of `signals` brings forward. */
export function deadline(ms: number, ...signals: AbortSignal[]): Deadline {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  return {
    signal: AbortSignal.any([late.signal, ...signals]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
