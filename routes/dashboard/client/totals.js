// @ts-check
/** @import { View } from "./model.ts" */
import { find, write } from "./dom.js";
import { Sparkline } from "./sparkline.js";
import { lasting, rate } from "./words.js";

const shown = /** @type {const} */ (["connected", "connecting", "waiting", "failed"]);

/** What is so over all connections, at the top of the page. */
export class Totals {
  #sparks = { in: new Sparkline(["in"]), out: new Sparkline(["out"]) };
  #drawn = -1;
  #state = find("state", HTMLSelectElement);

  constructor() {
    for (const way of /** @type {const} */ (["in", "out"]))
      find(`spark-${way}`, HTMLElement).append(this.#sparks[way].element);
    for (const button of document.querySelectorAll("button[data-only]"))
      button.addEventListener("click", () => this.#only(button.getAttribute("data-only") ?? ""));
  }

  /**
   * @param {ReadonlyMap<string, View>} views
   * @param {import("./history.js").History} history
   * @param {number | null} streams
   * @param {number} now
   */
  render(views, history, streams, now) {
    const count = { connected: 0, waiting: 0, failed: 0, connecting: 0, closing: 0, closed: 0 };
    /** @type {string | null} */
    let oldest = null;
    for (const { state, oldestUnacknowledgedAt: at } of views.values()) {
      count[state] += 1;
      // All of the same form, so that texts are in the order of times.
      if (at !== null && at !== undefined && (oldest === null || at < oldest)) oldest = at;
    }
    for (const name of shown) {
      const total = find(`total-${name}`, HTMLElement);
      write(total, count[name].toLocaleString("en"));
      total.classList.toggle("quiet", count[name] === 0);
    }
    for (const button of document.querySelectorAll("button[data-only]"))
      button.setAttribute("aria-pressed", String(button.getAttribute("data-only") === this.#state.value));
    write(find("total-streams", HTMLElement), streams === null ? "–" : streams.toLocaleString("en"));
    write(find("total-oldest", HTMLElement), oldest === null ? "none" : lasting(now - Date.parse(oldest)));
    this.#draw(history);
  }

  /** @param {import("./history.js").History} history */
  #draw({ version, total }) {
    if (this.#drawn === version) return;
    this.#drawn = version;
    for (const way of /** @type {const} */ (["in", "out"])) {
      this.#sparks[way].show([total[way]]);
      write(find(`total-${way}`, HTMLElement), `${rate(total[way].at(-1) ?? 0)}/s`);
    }
  }

  /** @param {string} state */
  #only(state) {
    this.#state.value = this.#state.value === state ? "" : state;
    this.#state.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
