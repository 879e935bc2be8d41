import assert from "node:assert/strict";
import { flagsOf } from "../../src/connection/view.ts";
import { announced, policy } from "../support/machine.ts";
import { always, type Change } from "../support/machine-runs.ts";
import { describe, it } from "../support/test.ts";

const each = (check: (change: Change) => void) => () => check;

describe("next(), whatever comes in whatever order", () => {
  it("announces last the state in which the machine is", () => {
    always(
      each(({ after, effects }) => {
        const last = announced(effects).at(-1);
        if (last !== undefined) assert.equal(last, after.state.name);
      }),
    );
  });

  it("gives each change a higher version, announces each, and nothing else", () => {
    always(
      each(({ before, after, effects }) => {
        const said = announced(effects).length > 0;
        assert.equal(after.version, before.version + (said ? 1 : 0));
        assert.equal(after.state !== before.state, said);
      }),
    );
  });

  it("has at most one attempt live: it dials when the one before has ended, or was told to", () => {
    always(() => {
      let live: number | null = null;
      return ({ after, event, effects }) => {
        if ((event.type === "failed" || event.type === "lost") && event.attempt === live) live = null;
        for (const effect of effects) {
          if (effect.type === "cancel" || effect.type === "disconnect") live = null;
          if (effect.type !== "dial") continue;
          assert.equal(live, null, "two attempts at once");
          assert.equal(effect.attempt, after.attempts);
          live = effect.attempt;
        }
      };
    });
  });

  it("numbers attempts one by one", () => {
    always(
      each(({ before, after, effects }) => {
        const dials = effects.filter(({ type }) => type === "dial").length;
        assert.equal(after.attempts, before.attempts + dials);
      }),
    );
  });

  it("takes nothing from an old attempt", () => {
    always(
      each(({ before, event, after, effects }) => {
        if (!("attempt" in event) || event.attempt === before.attempts) return;
        assert.equal(after, before);
        assert.deepEqual(effects, []);
      }),
    );
  });

  it("does nothing after closed", () => {
    always(
      each(({ before, after, effects }) => {
        if (before.state.name !== "closed") return;
        assert.equal(after, before);
        assert.deepEqual(effects, []);
      }),
    );
  });

  it("has its timer armed exactly in waiting and closing, and ends closing by it", () => {
    always(() => {
      let armed = false;
      return ({ before, after, event, effects }) => {
        for (const { type } of effects) {
          if (type === "arm") armed = true;
          if (type === "disarm") armed = false;
        }
        assert.equal(armed, after.state.name === "waiting" || after.state.name === "closing");
        if (before.state.name !== "closing" || event.type !== "timer") return;
        assert.equal(after.state.name, "closed");
        assert.ok(
          effects.some(({ type }) => type === "cancel"),
          "the network connection was left open",
        );
      };
    });
  });

  it("is badConnection exactly in failed, connected exactly in connected", () => {
    always(
      each(({ after }) => {
        const flags = flagsOf(after);
        assert.equal(flags.badConnection, after.state.name === "failed");
        assert.equal(flags.connected, after.state.name === "connected");
        assert.equal(flags.disconnecting, after.state.name === "closing");
        assert.ok(!(flags.reconnecting && flags.connected));
      }),
    );
  });

  it("never waits after a permanent failure, nor where reconnecting is disabled", () => {
    always(
      each(({ after }) => {
        if (after.state.name !== "waiting") return;
        assert.equal(after.state.failure.retryable, true);
        assert.equal(after.policy.enabled, true);
      }),
    );
  });

  it("gives up at maxAttempts failures in a row, and not before", () => {
    always(() => {
      let failures = 0;
      return ({ before, event, after }) => {
        if (event.type === "dial" && event.cause === "reconnect" && after !== before) failures = 0;
        if (event.type === "connected" && after !== before) failures = 0;
        if (event.type !== "failed" || after === before || before.state.name !== "connecting") return;
        failures += 1;
        const { enabled, maxAttempts } = after.policy;
        if (!before.kept || !enabled || !event.failure.retryable) return;
        const usedUp = maxAttempts !== null && failures >= maxAttempts;
        assert.equal(after.state.name, usedUp ? "failed" : "waiting");
      };
    });
  });

  it("keeps nothing of a connection that nobody was promised: the first failure closes it", () => {
    always(
      each(({ before, event, after }) => {
        if (before.kept || event.type !== "failed" || after === before) return;
        if (before.state.name === "connecting") assert.deepEqual(after.state.name, "closed");
      }),
    );
  });

  it("waits at least minDelayMs and at most maxDelayMs", () => {
    always(
      each(({ after, effects, now }) => {
        if (after.state.name !== "waiting" || effects.length === 0) return;
        const delay = after.state.until - now;
        assert.ok(delay >= policy.minDelayMs && delay <= policy.maxDelayMs, `${delay} ms`);
      }),
    );
  });
});
