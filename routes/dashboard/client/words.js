// @ts-check
/** @import { View, LifecycleEvent, Failure } from "./model.ts" */

/**
 * A span of time, in one unit.
 *
 * @param {number} ms
 */
export function span(ms) {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 90) return `${Math.floor(seconds)} s`;
  if (seconds < 5_400) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/**
 * A span that goes on: drawn once a second, it tells of nothing shorter.
 *
 * @param {number} ms
 */
export function lasting(ms) {
  return ms < 1_000 ? "0 s" : span(ms);
}

/**
 * How long it is until the next attempt; empty when there is none to come.
 *
 * @param {View} view
 * @param {number} now
 */
export function countdown({ state, attempts }, now) {
  if (state !== "waiting" || attempts.nextAt === null) return "";
  const left = Math.ceil((Date.parse(attempts.nextAt) - now) / 1_000);
  return left > 0 ? `in ${left} s` : "now";
}

/**
 * Why a connection is as it is: what is said, and what to do about it.
 *
 * @param {View} view
 * @returns {{ readonly text: string, readonly hint: string }}
 */
export function reason({ state, lastReason, lastError }) {
  const isNewer =
    lastError !== null && (lastReason === null || Date.parse(lastError.at) >= Date.parse(lastReason.at));
  if (lastError !== null && (isNewer || state !== "connected") && state !== "connected")
    return failure(lastError);
  if (lastReason === null) return { text: "", hint: "" };
  // What went well needs no more than its name.
  if (state === "connected" && lastReason.code === 0) return { text: lastReason.name, hint: "" };
  const said = lastReason.text === null ? "" : `: ${lastReason.text}`;
  const { from, packet, name, code } = lastReason;
  return { text: `${name} (${hex(code)}, ${packet} from the ${from})${said}`, hint: "" };
}

/**
 * @param {Failure} problem
 * @returns {{ readonly text: string, readonly hint: string }}
 */
export function failure({ detail, reasonName, hint, title }) {
  const text = detail ?? title ?? "";
  const named = reasonName === undefined || text.includes(reasonName) ? text : `${reasonName}: ${text}`;
  // A sentence of its own comes after it.
  return { text: hint && /\w$|\)$/.test(named) ? `${named}.` : named, hint: hint ?? "" };
}

/** Why shards change hands, and the connections in them with them. @type {Readonly<Record<string, string>>} */
export const moveCauses = {
  start: "at a start",
  handover: "handed over",
  "node-lost": "of a node that was lost",
  lapsed: "back after the lease was lost",
};

/**
 * One event, in a sentence.
 *
 * @param {LifecycleEvent} event
 */
export function sentence(event) {
  const { type, reasonName, detail, topicFilter, grantedQos, delayMs, attempt, hint } = event;
  const granted = grantedQos === undefined ? "" : `granted QoS ${grantedQos}`;
  if (topicFilter !== undefined) return [topicFilter, reasonName ?? granted].filter(Boolean).join(" – ");
  if (type === "waiting" && delayMs !== undefined) return `attempt ${attempt ?? "?"} in ${span(delayMs)}`;
  if (type === "moved")
    return `from ${event.from} to ${event.to}: ${moveCauses[event.cause ?? ""] ?? event.cause}`;
  if (type === "connecting") return `attempt ${attempt ?? "?"}`;
  return [reasonName ?? "", detail ?? "", hint ?? ""].filter(Boolean).join(" – ");
}

/** @param {number} code */
export function hex(code) {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}

/** @param {View} view */
export function protocol({ protocolVersion }) {
  return protocolVersion === null ? "auto" : `MQTT ${protocolVersion}`;
}

/** @param {View} view */
export function isEncrypted({ broker }) {
  return /^(mqtts|wss):/.test(broker.url);
}

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en");
}

/** A short span, with as many digits as mean something. @param {number} ms */
export function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en")} ms`;
}

/** The time of day, with the day where it is another one. @param {string} at @param {number} now */
export function clock(at, now) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  const time = date.toLocaleTimeString([], { hour12: false });
  return isToday ? time : `${date.toLocaleDateString()} ${time}`;
}
