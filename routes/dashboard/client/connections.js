// @ts-check
/** @import { View, LifecycleEvent } from "./model.ts" */
import { pathOf, Refused } from "./api.js";
import { History } from "./history.js";
import { isStarting } from "./server.js";

/** Events kept for the list of the newest. */
const recentEvents = 12;
/** Beyond so many views that are wanted again, all are asked for, in pages. */
const mostSingle = 25;
const pageSize = 1_000;
/** Between two batches of views. */
const batchMs = 200;
const retryMs = { least: 500, most: 10_000 };

/**
 * All connections that the caller may see, kept true by one stream. An event changes what it tells of at once; the
 * whole view is asked for only where somebody looks at it, in batches, so that thousands may change at a time.
 */
export class Connections {
  /** @type {Map<string, View>} */
  views = new Map();
  /** The newest first. @type {LifecycleEvent[]} */
  recent = [];
  history = new History();
  /** How far the server's clock is ahead of the browser's: times and countdowns are by the server's. */
  skewMs = 0;
  /** @type {"connecting" | "live" | "reconnecting"} */
  stream = "connecting";
  /** Ids on which somebody looks. @type {() => Iterable<string>} */
  watched = () => [];
  /** @type {(event: LifecycleEvent) => void} */
  onEvent = () => {};
  /** What the connection receives whose messages are watched; null when they are watched no more, with why. @type {(line: any, why?: unknown) => void} */
  onMessage = () => {};

  /** @type {import("./api.js").Api} */
  #api;
  /** @type {(error?: unknown) => void} */
  #changed;
  /** @type {Set<string>} */
  #stale = new Set();
  /** Since the pages that are being read were asked for. @type {Set<string>} */
  #closed = new Set();
  /** @type {string | null} */
  #lastId = null;
  #isDue = false;
  /** Whose messages come along. @type {string | null} */
  #messagesOf = null;
  /** The stream that comes next goes on where the one before was ended here: nothing was missed. */
  #isSwitched = false;
  /** Ends the stream that is open, for another one in its place. */
  #switch = new AbortController();

  /**
   * @param {import("./api.js").Api} api
   * @param {(error?: unknown) => void} changed called after any change; with what went wrong, if something did
   */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  /** Has the messages of a connection come along on the stream, or none; it goes on where it was. @param {string | null} id */
  watchMessages(id) {
    if (id === this.#messagesOf) return;
    this.#messagesOf = id;
    this.#isSwitched = this.#lastId !== null && this.stream === "live";
    this.#switch.abort();
  }

  /** Reads the one stream until the signal aborts or the caller may no longer. @param {AbortSignal} signal */
  async run(signal) {
    let delay = retryMs.least;
    while (!signal.aborted) {
      const { signal: switched } = (this.#switch = new AbortController());
      try {
        for await (const line of this.#lines(AbortSignal.any([signal, switched]))) {
          delay = retryMs.least;
          this.stream = "live";
          await this.#take(line);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Of the time in between nothing is missed: the next one resumes.
        if (switched.aborted) continue;
        if (
          error instanceof Refused &&
          this.#messagesOf !== null &&
          error.status !== 401 &&
          !isStarting(error)
        ) {
          this.#messagesOf = null;
          this.onMessage(null, error);
          continue;
        }
        if (error instanceof Refused) this.#changed(error);
        if (error instanceof Refused && error.status === 401) return;
      }
      if (switched.aborted && !signal.aborted) continue;
      this.stream = "reconnecting";
      this.#isSwitched = false;
      this.#changed();
      await new Promise((resolve) => setTimeout(resolve, delay));
      delay = Math.min(delay * 2, retryMs.most);
    }
  }

  /** @param {AbortSignal} signal */
  async *#lines(signal) {
    const messages = this.#messagesOf;
    const query = new URLSearchParams({ format: "ndjson" });
    if (this.#lastId !== null) query.set("lastEventId", this.#lastId);
    if (messages !== null) query.set("messages", messages);
    const opened = (/** @type {string | null} */ id) => {
      this.#lastId ??= id;
      if (messages !== null) this.onMessage({ type: "open" });
    };
    yield* this.#api.lines(`/events?${query}`, signal, opened);
  }

  /** Asks for every view again, and counts what has gone through since; once at a time. */
  refresh() {
    this.#refreshing ??= this.#readAll().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }
  /** @type {Promise<void> | null} */
  #refreshing = null;

  async #readAll() {
    this.#closed.clear();
    /** @type {Map<string, View>} */
    const views = new Map();
    let cursor = "";
    do {
      const { items, next } = await this.#api.call("GET", `/connections?limit=${pageSize}${cursor}`);
      for (const view of items) views.set(view.id, view);
      cursor = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
    } while (cursor !== "");
    // The stream may have been faster than the pages.
    for (const id of this.#closed) views.delete(id);
    for (const [id, view] of this.views) {
      const read = views.get(id);
      if (read !== undefined && view.version > read.version) views.set(id, view);
    }
    this.history.take(views);
    this.views = views;
    this.#changed();
  }

  /** Has a view asked for again. @param {string} id */
  want(id) {
    this.#stale.add(id);
    this.#fetchSoon();
  }

  /** Has those asked for again that somebody looks at by now. */
  look() {
    for (const id of this.watched()) if (this.#stale.has(id)) return this.#fetchSoon();
  }

  /** Forgets all: the next caller may be another. */
  clear() {
    this.views = new Map();
    this.recent = [];
    this.history.clear();
    this.#stale.clear();
    this.#messagesOf = null;
    this.#lastId = null;
  }

  #fetchSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => void this.#fetchBatch(), batchMs);
  }

  /** @param {any} line */
  async #take(line) {
    if (line.type === "message" || (line.type === "gap" && line.messages !== undefined))
      return this.onMessage(line);
    if (line.type === "snapshot") this.skewMs = Date.parse(line.at) - Date.now();
    const isKnown = line.type === "snapshot" && this.#isSwitched;
    if (line.type === "snapshot") this.#isSwitched = false;
    if (line.type === "gap" || (line.type === "snapshot" && !isKnown)) await this.refresh();
    if (typeof line.connection !== "string" || typeof line.id !== "string") return this.#changed();
    this.#lastId = line.id;
    // Of several nodes, the stream's place is another one than the event's.
    /** @type {LifecycleEvent} */
    const event = { ...line, id: line.eventId ?? line.id };
    this.recent = [event, ...this.recent].slice(0, recentEvents);
    const view = this.views.get(event.connection);
    if (event.state === "closed") {
      this.views.delete(event.connection);
      this.#closed.add(event.connection);
    } else {
      if (view !== undefined && event.version >= view.version)
        this.views.set(event.connection, changedBy(view, event));
      this.want(event.connection);
    }
    this.onEvent(event);
    this.#changed();
  }

  async #fetchBatch() {
    this.#isDue = false;
    const watched = new Set(this.watched());
    const wanted = [...this.#stale].filter((id) => watched.has(id) || !this.views.has(id));
    for (const id of wanted) this.#stale.delete(id);
    try {
      if (wanted.length > mostSingle) return await this.refresh();
      await Promise.all(wanted.map((id) => this.#fetchOne(id)));
      this.#changed();
    } catch (error) {
      this.#changed(error);
    }
  }

  /** @param {string} id */
  async #fetchOne(id) {
    try {
      const view = await this.#api.call("GET", pathOf(id));
      const known = this.views.get(id);
      if (known === undefined || view.version >= known.version) this.views.set(id, view);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      this.views.delete(id);
    }
  }
}

/**
 * @param {View} view
 * @param {LifecycleEvent} event
 * @returns {View}
 */
function changedBy(view, event) {
  const { state, version, at, type } = event;
  return {
    ...view,
    ...{ state, version, since: view.state === state ? view.since : at },
    attempts: {
      ...view.attempts,
      nextAt: state === "waiting" ? (event.nextAt ?? view.attempts.nextAt) : null,
    },
    lastError:
      type === "error" || type === "refused" || type === "failed"
        ? { ...view.lastError, ...event }
        : view.lastError,
  };
}
