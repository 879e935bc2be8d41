import assert from "node:assert/strict";
import { next } from "../../src/connection/next.ts";
import { initialMachine, type Event, type Machine } from "../../src/connection/state.ts";
import { close, connected, failed, lost, nameOf, permanent, policy, transient } from "../support/machine.ts";
import { describe, it } from "../support/test.ts";

const dial = (cause: Extract<Event, { type: "dial" }>["cause"]): Event => ({
  type: "dial",
  cause,
  restart: false,
  timeoutMs: null,
});
const timer: Event = { type: "timer" };
const keep: Event = { type: "keep" };

interface Options {
  readonly kept?: boolean;
  readonly enabled?: boolean;
  readonly maxAttempts?: number;
}

/** Plays the events a second apart, and gives the machine with the effects of the last one. */
function play(events: readonly Event[], { kept = true, enabled = true, maxAttempts }: Options = {}) {
  let machine: Machine = initialMachine({ ...policy, enabled, maxAttempts: maxAttempts ?? null }, kept, 0);
  let effects: string[] = [];
  for (const [index, event] of events.entries()) {
    const transition = next(machine, event, index * 1_000);
    machine = transition.machine;
    effects = transition.effects.map(nameOf);
  }
  return { machine, effects };
}

const up = [dial("create"), connected(1)];

/** What has happened, the last of it after the semicolon; the state that it leads to; and what is done, in order. */
const transitions: readonly (readonly [string, readonly Event[], string, readonly string[], Options?])[] = [
  ["nothing; dial", [dial("create")], "connecting", ["disarm()", "connecting", "dial()"]],
  ["dialled; CONNACK success", up, "connected", ["watch()", "connected"]],
  ["dialled; a failure", [dial("create"), failed(1)], "waiting", ["error", "waiting", "arm()"]],
  ["dialled; a permanent refusal", [dial("create"), failed(1, permanent)], "failed", ["refused", "failed"]],
  [
    "dialled; a failure, not kept",
    [dial("create"), failed(1)],
    "closed",
    ["error", "disarm()", "closed"],
    { kept: false },
  ],
  [
    "dialled; a failure, disabled",
    [dial("create"), failed(1)],
    "failed",
    ["error", "failed"],
    { enabled: false },
  ],
  [
    "dialled; its only attempt fails",
    [dial("create"), failed(1)],
    "failed",
    ["error", "failed"],
    { maxAttempts: 1 },
  ],
  ["dialled; dial again", [dial("create"), dial("reconnect")], "connecting", []],
  ["dialled; DELETE", [dial("create"), close()], "closed", ["cancel()", "disarm()", "closed"]],
  [
    "waiting; the timer",
    [dial("create"), failed(1), timer],
    "connecting",
    ["disarm()", "connecting", "dial()"],
  ],
  [
    "waiting; reconnect",
    [dial("create"), failed(1), dial("reconnect")],
    "connecting",
    ["disarm()", "connecting", "dial()"],
  ],
  ["waiting; DELETE", [dial("create"), failed(1), close()], "closed", ["disarm()", "closed"]],
  ["failed; the timer", [dial("create"), failed(1, permanent), timer], "failed", []],
  [
    "failed; reconnect",
    [dial("create"), failed(1, permanent), dial("reconnect")],
    "connecting",
    ["disarm()", "connecting", "dial()"],
  ],
  ["failed; DELETE", [dial("create"), failed(1, permanent), close()], "closed", ["disarm()", "closed"]],
  ["connected; lost", [...up, lost(1)], "waiting", ["disconnected", "waiting", "arm()"]],
  ["connected; lost for good", [...up, lost(1, permanent)], "failed", ["disconnected", "failed"]],
  ["connected; lost, disabled", [...up, lost(1)], "failed", ["disconnected", "failed"], { enabled: false }],
  [
    "connected; lost, with one attempt",
    [...up, lost(1)],
    "waiting",
    ["disconnected", "waiting", "arm()"],
    { maxAttempts: 1 },
  ],
  [
    "connected; reconnect",
    [...up, dial("reconnect")],
    "connecting",
    ["disconnected", "disconnect()", "disarm()", "connecting", "dial()"],
  ],
  ["connected; the old attempt is lost late", [...up, dial("reconnect"), lost(1)], "connecting", []],
  ["connected; DELETE", [...up, close()], "closing", ["closing", "arm()", "disconnect()"]],
  [
    "connected; DELETE with force",
    [...up, close({ force: true })],
    "closed",
    ["cancel()", "disarm()", "closed"],
  ],
  ["closing; the broker closes", [...up, close(), lost(1)], "closed", ["disarm()", "closed"]],
  ["closing; the timer", [...up, close(), timer], "closed", ["cancel()", "disarm()", "closed"]],
  [
    "closing; DELETE with force",
    [...up, close(), close({ force: true })],
    "closed",
    ["cancel()", "disarm()", "closed"],
  ],
  ["closing; DELETE again", [...up, close(), close()], "closing", []],
  ["closing; reconnect", [...up, close(), dial("reconnect")], "closing", []],
  ["closed; dial", [...up, close(), lost(1), dial("reconnect")], "closed", []],
  ["closed; CONNACK", [dial("create"), close(), connected(1)], "closed", []],
];

describe("next()", () => {
  for (const [what, events, state, effects, options] of transitions) {
    it(`${what} → ${state}${effects.length === 0 ? "" : `: ${effects.join(", ")}`}`, () => {
      const result = play(events, options);
      assert.equal(result.machine.state.name, state);
      assert.deepEqual(result.effects, effects);
    });
  }

  it("keeps what a POST waits for from the moment at which it answers, or is told to", () => {
    const kept = (events: readonly Event[]) => play(events, { kept: false }).machine.kept;
    assert.equal(kept([dial("create")]), false);
    assert.equal(kept(up), true);
    assert.equal(kept([dial("create"), keep]), true);
    assert.equal(play([dial("create"), keep, failed(1)], { kept: false }).machine.state.name, "waiting");
  });

  it("counts attempts, connects and disconnects", () => {
    const { machine } = play([
      dial("create"),
      failed(1),
      timer,
      failed(2),
      timer,
      connected(3),
      lost(3),
      timer,
    ]);
    const { attempts, connects, disconnects, failedInARow } = machine;
    assert.deepEqual(
      { attempts, connects, disconnects, failedInARow },
      { attempts: 4, connects: 1, disconnects: 1, failedInARow: 0 },
    );
  });

  it("has a person's reconnect start the count of failures again", () => {
    const { machine } = play([dial("create"), failed(1), timer, failed(2), dial("reconnect")], {
      maxAttempts: 3,
    });
    assert.deepEqual([machine.failedInARow, machine.unstableInARow], [0, 0]);
  });

  it("lets the back-off grow while connections do not last, and begin again after one that did", () => {
    const ceiling = (events: readonly Event[]) => {
      const { machine } = play(events);
      return machine.unstableInARow;
    };
    const brief = [lost(1), timer, connected(2), lost(2)];
    assert.equal(ceiling([...up, ...brief]), 2);
    // Ten seconds up, which is maxDelayMs.
    const idle = Array.from({ length: 10 }, () => keep);
    assert.equal(ceiling([...up, lost(1), timer, connected(2), ...idle, lost(2)]), 1);
  });

  it("has as last reason what was last on the wire, in either direction", () => {
    const { machine } = play([...up, { ...lost(1), sent: { reasonCode: 0x82 } } as Event]);
    assert.deepEqual([machine.lastReason?.from, machine.lastReason?.code], ["client", 0x82]);
    const refused = play([dial("create"), failed(1, permanent)]).machine;
    assert.deepEqual([refused.lastReason?.from, refused.lastReason?.code], ["broker", 0x86]);
    // A loss without a packet leaves it.
    const silent = play([...up, lost(1, transient)]).machine;
    assert.deepEqual(
      [silent.lastReason?.packet, silent.lastError?.failure.code],
      ["connack", "connection-refused"],
    );
  });
});
