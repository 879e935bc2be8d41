import * as fc from "fast-check";
import { next } from "../../src/connection/next.ts";
import { initialMachine, type Event, type Machine } from "../../src/connection/state.ts";
import { close, connected, failed, lossOf, lost, permanent, policy, transient } from "./machine.ts";

/** A step: the event, made for the machine as it is then. `back` 0 is the newest attempt, more are older ones. */
type Step = (machine: Machine) => Event;

const back = fc.nat({ max: 2 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failure = fc.constantFrom(transient, permanent);
const sent = fc.option(fc.constant({ reasonCode: 0x82 }));
const causes = fc.constantFrom("create", "replace", "reconnect", "retry", "lost" as const);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(causes, fc.boolean()).map(
    ([cause, restart]) =>
      () =>
        ({ type: "dial", cause, restart, timeoutMs: null }) as const,
  ),
  back.map(
    (n) =>
      ({ attempts }: Machine) =>
        connected(attempts - n),
  ),
  fc.tuple(back, failure, random).map(
    ([n, why, r]) =>
      ({ attempts }: Machine) =>
        failed(attempts - n, why, r),
  ),
  fc.tuple(back, failure, random, sent).map(
    ([n, why, r, code]) =>
      ({ attempts }: Machine) =>
        ({ ...lost(attempts - n, lossOf(why), r), sent: code }) as Event,
  ),
  fc.constant(() => ({ type: "timer" }) as const),
  fc.constant(() => ({ type: "keep" }) as const),
  fc
    .record({ force: fc.boolean(), drainMs: fc.nat(60_000), reasonCode: fc.constantFrom(0, 4) })
    .map((fields) => () => close(fields)),
);

const run = fc.record({
  steps: fc.array(fc.tuple(step, fc.integer({ min: -1_000, max: 100_000 })), { maxLength: 40 }),
  kept: fc.boolean(),
  enabled: fc.boolean(),
  maxAttempts: fc.option(fc.integer({ min: 1, max: 4 })),
});

export interface Change {
  readonly before: Machine;
  readonly event: Event;
  readonly after: Machine;
  readonly effects: ReturnType<typeof next>["effects"];
  readonly now: number;
}

/** Plays random interleavings, clocks that are set back included, and gives each transition to `check`. */
export function always(check: () => (change: Change) => void): void {
  fc.assert(
    fc.property(run, ({ steps, kept, enabled, maxAttempts }) => {
      let now = 1_000_000;
      let machine = initialMachine({ ...policy, enabled, maxAttempts }, kept, now);
      const seen = check();
      const apply = (event: Event) => {
        const before = machine;
        const { machine: after, effects } = next(machine, event, now);
        machine = after;
        seen({ before, event, after, effects, now });
      };
      apply({ type: "dial", cause: "create", restart: false, timeoutMs: null });
      for (const [make, ms] of steps) {
        now += ms;
        apply(make(machine));
      }
    }),
    { numRuns: 2_000 },
  );
}
