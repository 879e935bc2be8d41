// @ts-check
/** @import { View, LifecycleEvent } from "./model.ts" */
import { pathOf, Refused } from "./api.js";

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
  rates = { in: 0, out: 0 };
  /** How far the server's clock is ahead of the browser's: times and countdowns are by the server's. */
  skewMs = 0;
  /** @type {"connecting" | "live" | "reconnecting"} */
  stream = "connecting";
  /** Ids on which somebody looks. @type {() => Iterable<string>} */
  watched = () => [];
  /** @type {(event: LifecycleEvent) => void} */
  onEvent = () => {};

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
  #countedAt = 0;
  /** @type {Map<string, { in: number, out: number }>} */
  #counted = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {(error?: unknown) => void} changed called after any change; with what went wrong, if something did
   */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  /** Reads the stream until the signal aborts or the caller may no longer. @param {AbortSignal} signal */
  async run(signal) {
    let delay = retryMs.least;
    while (!signal.aborted) {
      try {
        const resume = this.#lastId === null ? "" : `&lastEventId=${encodeURIComponent(this.#lastId)}`;
        const opened = (/** @type {string | null} */ id) => {
          this.#lastId ??= id;
        };
        for await (const line of this.#api.lines(`/events?format=ndjson${resume}`, signal, opened)) {
          delay = retryMs.least;
          this.stream = "live";
          await this.#take(line);
        }
      } catch (error) {
        if (error instanceof Refused) this.#changed(error);
        if (signal.aborted || (error instanceof Refused && error.status === 401)) return;
      }
      this.stream = "reconnecting";
      this.#changed();
      await new Promise((resolve) => setTimeout(resolve, delay));
      delay = Math.min(delay * 2, retryMs.most);
    }
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
    this.#count(views);
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
    this.rates = { in: 0, out: 0 };
    this.#stale.clear();
    this.#counted.clear();
    this.#countedAt = 0;
    this.#lastId = null;
  }

  #fetchSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => void this.#fetchBatch(), batchMs);
  }

  /** @param {any} line */
  async #take(line) {
    if (line.type === "snapshot") this.skewMs = Date.parse(line.at) - Date.now();
    if (line.type === "snapshot" || line.type === "gap") await this.refresh();
    if (typeof line.connection !== "string" || typeof line.id !== "string") return this.#changed();
    /** @type {LifecycleEvent} */
    const event = line;
    this.#lastId = event.id;
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

  /** Only of those that were there before: others bring a past along. @param {Map<string, View>} views */
  #count(views) {
    const now = performance.now();
    const seconds = (now - this.#countedAt) / 1_000;
    const sum = { in: 0, out: 0 };
    for (const [id, { counters }] of views) {
      const before = this.#counted.get(id);
      if (before === undefined) continue;
      sum.in += Math.max(0, (counters["messagesIn"] ?? 0) - before.in);
      sum.out += Math.max(0, (counters["messagesOut"] ?? 0) - before.out);
    }
    if (this.#countedAt > 0 && seconds > 0) this.rates = { in: sum.in / seconds, out: sum.out / seconds };
    this.#countedAt = now;
    this.#counted = new Map(
      [...views].map(([id, { counters }]) => [
        id,
        { in: counters["messagesIn"] ?? 0, out: counters["messagesOut"] ?? 0 },
      ]),
    );
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
