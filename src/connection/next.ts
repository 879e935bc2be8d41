import type { Failure } from "../broker/failure.ts";
import { reasonName } from "../mqtt/reason.ts";
import { announce, failureFields } from "./announcement.ts";
import { retryDelay, stableAfterMs } from "./retry.ts";
import type {
  CloseCause,
  DialCause,
  Effect,
  Event,
  LastReason,
  Machine,
  State,
  Transition,
} from "./state.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/** Given beyond the drain for the broker to close its side, before the connection is cut. */
const closeMarginMs = 1_000;

/** What a reconnect that was called for gives to packets in flight. */
const redialDrainMs = 1_000;

/**
 * The state machine of a connection: pure, told the time, and given randomness in the events that need it. Effects are
 * for the caller to perform, in order. An event that does not fit the state changes nothing.
 */
export function next(machine: Machine, event: Event, now: number): Transition {
  if (machine.state.name === "closed") return unchanged(machine);
  switch (event.type) {
    case "dial":
      return onDial(machine, event, now);
    case "connected":
      return onConnected(machine, event, now);
    case "failed":
      return isCurrent(machine, event, "connecting")
        ? onFailed(machine, event, now)
        : onEndWhileClosing(machine, event, now);
    case "lost":
      return isCurrent(machine, event, "connected")
        ? onLost(machine, event, now)
        : onEndWhileClosing(machine, event, now);
    case "timer":
      return onTimer(machine, now);
    case "keep":
      return machine.kept ? unchanged(machine) : { machine: { ...machine, kept: true }, effects: [] };
    case "close":
      return onClose(machine, event, now);
    default:
      return event satisfies never;
  }
}

function unchanged(machine: Machine): Transition {
  return { machine, effects: [] };
}

function isCurrent(machine: Machine, event: { attempt: number }, name: "connecting" | "connected"): boolean {
  return machine.state.name === name && machine.state.attempt === event.attempt;
}

/** Every change that is announced is a new version. */
function move(machine: Machine, state: State, effects: readonly Effect[]): Transition {
  return { machine: { ...machine, state, version: machine.version + 1 }, effects };
}

function onDial(machine: Machine, event: EventOf<"dial">, now: number): Transition {
  const { state } = machine;
  const { cause, restart, timeoutMs } = event;
  const underWay = state.name === "connecting" && machine.attempts > 0;
  if (state.name === "closing" || (underWay && !restart)) return unchanged(machine);
  // Called for by a person: the count of failures starts again.
  const asked = cause === "reconnect" ? { ...machine, failedInARow: 0, unstableInARow: 0 } : machine;
  if (underWay) return dial(asked, cause, timeoutMs, now, [{ type: "cancel" }]);
  if (state.name !== "connected") return dial(asked, cause, timeoutMs, now, []);
  // The old network connection is closed gracefully; the new one is dialled when it has gone.
  const reason = ourDisconnect(machine, 0, now);
  const ended = { ...asked, disconnects: machine.disconnects + 1, lastReason: reason };
  return dial(ended, cause, timeoutMs, now, [
    announce("disconnected", { from: "client", reasonCode: 0, reasonName: reason.name, cause }),
    { type: "disconnect", drainMs: redialDrainMs, reasonCode: 0, sessionExpiryInterval: undefined },
  ]);
}

function ourDisconnect(machine: Machine, code: number, now: number): LastReason {
  const protocolVersion = machine.established?.protocolVersion ?? "5";
  return {
    packet: "disconnect",
    from: "client",
    code,
    name: reasonName("disconnect", code, "5"),
    text: null,
    protocolVersion,
    at: now,
  };
}

function dial(
  machine: Machine,
  cause: DialCause,
  timeoutMs: number | null,
  now: number,
  before: readonly Effect[],
): Transition {
  const attempt = machine.attempts + 1;
  return move({ ...machine, attempts: attempt }, { name: "connecting", since: now, attempt }, [
    ...before,
    { type: "disarm" },
    announce("connecting", { attempt, cause }),
    { type: "dial", attempt, timeoutMs },
  ]);
}

function onConnected(machine: Machine, event: EventOf<"connected">, now: number): Transition {
  if (!isCurrent(machine, event, "connecting")) return unchanged(machine);
  const { established, negotiated, attempt } = event;
  const { connack, protocolVersion, clientId } = established;
  const name = reasonName("connack", connack.reasonCode, protocolVersion);
  const text = connack.properties["reasonString"];
  const lastReason: LastReason = {
    packet: "connack",
    from: "broker",
    code: 0,
    name,
    text: typeof text === "string" ? text : null,
    protocolVersion,
    at: now,
  };
  return move(
    {
      ...machine,
      connects: machine.connects + 1,
      failedInARow: 0,
      connectedAt: now,
      established,
      negotiated,
      lastReason,
      kept: true,
    },
    { name: "connected", since: now, attempt, established, negotiated },
    [
      { type: "watch", keepAlive: negotiated.keepAlive },
      announce("connected", {
        attempt,
        reasonCode: 0,
        reasonName: name,
        sessionPresent: connack.sessionPresent,
        protocolVersion,
        clientId,
      }),
    ],
  );
}

function onFailed(machine: Machine, event: EventOf<"failed">, now: number): Transition {
  const { failure, attempt, random } = event;
  const lastReason = reasonOf(failure, now) ?? machine.lastReason;
  const failed: Machine = {
    ...machine,
    lastReason,
    lastError: { failure, at: now },
    // One that this server has not let through says nothing of the broker.
    failedInARow: machine.failedInARow + (failure.code === "attempts-limited" ? 0 : 1),
  };
  const said = announce(failure.mqtt === undefined ? "error" : "refused", {
    attempt,
    ...failureFields(failure),
  });
  if (!machine.kept) return close(failed, "refused", now, [said]);
  return afterEnd(failed, failure, now, random, [said]);
}

function onLost(machine: Machine, event: EventOf<"lost">, now: number): Transition {
  const { failure, sent, random } = event;
  const { state } = machine;
  const ours = sent === null ? null : ourDisconnect(machine, sent.reasonCode, now);
  const stable = now - state.since >= stableAfterMs(machine.policy);
  const lost: Machine = {
    ...machine,
    disconnects: machine.disconnects + 1,
    unstableInARow: stable ? 0 : machine.unstableInARow,
    lastReason: ours ?? reasonOf(failure, now) ?? machine.lastReason,
    lastError: { failure, at: now },
  };
  const fields = {
    ...failureFields(failure),
    ...(ours === null
      ? { from: failure.mqtt === undefined ? null : "broker" }
      : { from: "client", reasonCode: ours.code, reasonName: ours.name }),
  };
  const said = failure.code === "broker-protocol-error" ? [announce("error", failureFields(failure))] : [];
  return afterEnd(lost, failure, now, random, [...said, announce("disconnected", fields)]);
}

/** Waits for another attempt, or gives up: a permanent failure, `enabled: false`, or attempts used up. */
function afterEnd(
  machine: Machine,
  failure: Failure,
  now: number,
  random: number,
  said: readonly Effect[],
): Transition {
  const { policy } = machine;
  const usedUp = policy.maxAttempts !== null && machine.failedInARow >= policy.maxAttempts;
  if (!failure.retryable || !policy.enabled || usedUp) {
    const why = !failure.retryable ? "permanent" : usedUp ? "attempts-used-up" : "reconnect-disabled";
    return move(machine, { name: "failed", since: now, failure }, [
      ...said,
      announce("failed", { why, code: failure.code, detail: failure.detail, hint: failure.hint }),
    ]);
  }
  const unstableInARow = machine.unstableInARow + 1;
  const delayMs = retryDelay(policy, unstableInARow, random);
  const until = now + delayMs;
  return move({ ...machine, unstableInARow }, { name: "waiting", since: now, until, failure }, [
    ...said,
    announce("waiting", { nextAt: new Date(until).toISOString(), delayMs, attempt: machine.attempts + 1 }),
    { type: "arm", at: until },
  ]);
}

function onTimer(machine: Machine, now: number): Transition {
  const { state } = machine;
  // The timer is believed, and not compared with the clock: clocks are set, and an hour back must not mean an hour more.
  if (state.name === "waiting") {
    return dial(machine, state.failure.stage === "connected" ? "lost" : "retry", null, now, []);
  }
  if (state.name !== "closing") return unchanged(machine);
  return close(machine, state.cause, now, [{ type: "cancel" }]);
}

function onClose(machine: Machine, event: EventOf<"close">, now: number): Transition {
  const { state } = machine;
  const { cause, force, drainMs, reasonCode, sessionExpiryInterval } = event;
  if (state.name === "closing")
    return force ? close(machine, state.cause, now, [{ type: "cancel" }]) : unchanged(machine);
  if (state.name !== "connected")
    return close(machine, cause, now, state.name === "connecting" ? [{ type: "cancel" }] : []);
  if (force)
    return close({ ...machine, disconnects: machine.disconnects + 1 }, cause, now, [{ type: "cancel" }]);
  const lastReason = ourDisconnect(machine, reasonCode, now);
  return move({ ...machine, lastReason }, { name: "closing", since: now, attempt: state.attempt, cause }, [
    announce("closing", { cause, reasonCode, reasonName: lastReason.name }),
    { type: "arm", at: now + drainMs + closeMarginMs },
    { type: "disconnect", drainMs, reasonCode, sessionExpiryInterval },
  ]);
}

function onEndWhileClosing(machine: Machine, event: { attempt: number }, now: number): Transition {
  const { state } = machine;
  if (state.name !== "closing" || state.attempt !== event.attempt) return unchanged(machine);
  return close({ ...machine, disconnects: machine.disconnects + 1 }, state.cause, now, []);
}

function close(machine: Machine, cause: CloseCause, now: number, before: readonly Effect[]): Transition {
  return move(machine, { name: "closed", since: now, cause }, [
    ...before,
    { type: "disarm" },
    announce("closed", { cause }),
  ]);
}

function reasonOf({ mqtt }: Failure, now: number): LastReason | null {
  if (mqtt === undefined) return null;
  const { packet, reasonCode, reasonName: name, reasonString, protocolVersion } = mqtt;
  return { packet, from: "broker", code: reasonCode, name, text: reasonString, protocolVersion, at: now };
}
