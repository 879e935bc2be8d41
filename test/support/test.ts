/** `node:test`, whose registrations return promises that a test file must not await. */
import * as runner from "node:test";

type Body = (context: runner.TestContext) => void | Promise<void>;
type Options = { readonly timeout?: number; readonly skip?: boolean | string };

/** Groups tests under the name of one symbol or one fault. */
export function describe(name: string, body: () => void): void {
  void runner.describe(name, body);
}

/** One behaviour. `timeout` is in milliseconds, 30,000 unless told. */
export function it(name: string, body: Body, options: Options = {}): void {
  // The runners would take something else for options, and pass a test that has no body.
  if (typeof body !== "function") throw new TypeError(`${name}: the body of a test is a function`);
  // Neither runtime's report carries the reason, so that the runner reads it here.
  if (typeof options.skip === "string") process.stdout.write(`skip ${name}: ${options.skip}\n`);
  void runner.it(name, { timeout: 30_000, ...options }, body);
}

export const before: (body: () => void | Promise<void>) => void = runner.before;
export const after: (body: () => void | Promise<void>) => void = runner.after;
export const beforeEach: (body: () => void | Promise<void>) => void = runner.beforeEach;
export const afterEach: (body: () => void | Promise<void>) => void = runner.afterEach;
