import { checkUtf8String, quoted } from "./utf8.ts";

declare const brand: unique symbol;

/** What a message is published to: no wildcards (MQTT 5 and 3.1.1 §4.7). Made by `parseTopicName` only. */
export type TopicName = string & { readonly [brand]: "TopicName" };

/** What is subscribed to, maybe with wildcards, maybe shared (MQTT 5 §4.7, §4.8.2). Made by `parseTopicFilter` only. */
export type TopicFilter = string & { readonly [brand]: "TopicFilter" };

/** A parsed value, or one sentence that says what is wrong and names the text. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly detail: string };

const SHARE_PREFIX = "$share/";
const SHARE_SHAPE = "$share/{ShareName}/{filter}";

/**
 * Checks a Topic Name: a UTF-8 Encoded String (§1.5.4) of 1 to 65,535 bytes (§4.7.3) without wildcards (§4.7.1).
 *
 * Spaces, empty levels, a leading `$` and control characters are allowed: the standard advises against the last
 * (a "should"), and lets the broker refuse them.
 */
export function parseTopicName(text: string): Parsed<TopicName> {
  if (isTopicName(text)) return { ok: true, value: text };
  return { ok: false, detail: `Topic name ${quoted(text)} ${nameProblem(text)}` };
}

/**
 * Checks a Topic Filter: as a Topic Name, but with `+` and `#` where §4.7.1 allows them, and with the shape of
 * §4.8.2 when it begins with `$share/`, in 3.x too, where that is a common extension.
 */
export function parseTopicFilter(text: string): Parsed<TopicFilter> {
  if (isTopicFilter(text)) return { ok: true, value: text };
  return { ok: false, detail: `Topic filter ${quoted(text)} ${filterProblem(text)}` };
}

/**
 * Whether a message published to `name` belongs to a subscription with `filter` (§4.7), level by level and
 * character by character, without normalisation (§4.7.3). A shared subscription matches as its inner filter.
 */
export function matches(filter: TopicFilter, name: TopicName): boolean {
  const inner = innerFilter(filter);
  // §4.7.2: a filter that begins with a wildcard does not match the broker's own topics.
  if (name.startsWith("$") && (inner.startsWith("+") || inner.startsWith("#"))) return false;

  const wanted = inner.split("/");
  const levels = name.split("/");
  for (const [index, level] of wanted.entries()) {
    // §4.7.1.2: "#" stands for the parent level too, so it matches where the name has just ended.
    if (level === "#") return true;
    if (index === levels.length) return false;
    if (level !== "+" && level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

/** Whether the text has `+` or `#` anywhere; in a valid filter these are always wildcards (§4.7.1, §4.8.2). */
export function hasWildcard(text: string): boolean {
  return text.includes("+") || text.includes("#");
}

/** Whether the filter is that of a Shared Subscription (§4.8.2). `$share` alone, without a slash, is not. */
export function isShared(filter: string): boolean {
  return filter.startsWith(SHARE_PREFIX);
}

function isTopicName(text: string): text is TopicName {
  return nameProblem(text) === null;
}

function isTopicFilter(text: string): text is TopicFilter {
  return filterProblem(text) === null;
}

function nameProblem(text: string): string | null {
  const wildcard = "has a wildcard; wildcards are allowed only in topic filters";
  return textProblem(text) ?? (hasWildcard(text) ? wildcard : null);
}

function filterProblem(text: string): string | null {
  return textProblem(text) ?? shareProblem(text) ?? wildcardProblem(text);
}

function textProblem(text: string): string | null {
  return text === "" ? "is empty; at least one character is wanted" : checkUtf8String(text);
}

function shareProblem(text: string): string | null {
  if (!isShared(text)) return null;
  const [, shareName = "", ...levels] = text.split("/");
  if (shareName === "") return `has an empty ShareName; the shape is ${SHARE_SHAPE}`;
  if (hasWildcard(shareName)) return `has a wildcard in its ShareName; the shape is ${SHARE_SHAPE}`;
  if (levels.join("/") === "") return `has no filter after its ShareName; the shape is ${SHARE_SHAPE}`;
  return null;
}

function wildcardProblem(filter: string): string | null {
  const levels = filter.split("/");
  for (const [index, level] of levels.entries()) {
    if (level.length > 1 && hasWildcard(level)) {
      return `has a wildcard beside other characters in ${quoted(level)}; a wildcard must fill its level`;
    }
    if (level === "#" && index < levels.length - 1) {
      return 'has "#" before its last level; only the last level may be "#"';
    }
  }
  return null;
}

/** The filter that names are compared with: what follows `$share/{ShareName}/`, or all of it. */
export function innerFilter(filter: string): string {
  if (!isShared(filter)) return filter;
  return filter.slice(filter.indexOf("/", SHARE_PREFIX.length) + 1);
}
