// @ts-check
/** @import { LifecycleEvent } from "./model.ts" */
import { element } from "./dom.js";
import { clock, lasting, sentence, span } from "./words.js";

/** Of one connection, of which the server keeps 1,000 events. */
const most = 1_000;
const shown = 100;

/** What has happened to one connection, the newest first, and how long each state lasted. */
export class Timeline {
  /** @type {LifecycleEvent[]} */
  #events = [];
  /** @type {HTMLElement} */
  #list;
  /** The time of the state that lasts still. @type {{ element: HTMLElement, from: number, state: string } | null} */
  #lasting = null;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {readonly LifecycleEvent[]} events in their order; those that are known are not taken twice */
  add(events) {
    const known = new Set(this.#events.map(({ id }) => id));
    const fresh = events.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return;
    this.#events = [...this.#events, ...fresh].toSorted((a, b) => sequence(a) - sequence(b)).slice(-most);
    this.#draw();
  }

  /** @param {number} now */
  tick(now) {
    if (this.#lasting !== null)
      this.#lasting.element.textContent = `${this.#lasting.state} for ${lasting(now - this.#lasting.from)} so far`;
  }

  #draw() {
    const events = this.#events;
    this.#lasting = null;
    const rows = events.map((event, index) => {
      const lasted = element("span", { class: "quiet lasted" });
      if (events[index - 1]?.state !== event.state && event.state !== "closed") {
        const next = events.slice(index).find(({ state }) => state !== event.state);
        const from = Date.parse(event.at);
        if (next === undefined) this.#lasting = { element: lasted, from, state: event.state };
        else lasted.textContent = `${event.state} for ${span(Date.parse(next.at) - from)}`;
      }
      return element(
        "li",
        {},
        element("time", { datetime: event.at, title: event.at }, clock(event.at, Date.now())),
        " ",
        element("strong", { class: "type" }, event.type),
        " ",
        sentence(event),
        " ",
        lasted,
      );
    });
    this.#list.replaceChildren(...rows.slice(-shown).toReversed());
  }
}

/** @param {LifecycleEvent} event */
function sequence({ id }) {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
