// @ts-check
/** @import { View } from "./model.ts" */
import { element, field, find, write } from "./dom.js";
import { countdown, isEncrypted, protocol, reason, span } from "./words.js";

/** Rows in the document at a time, however many connections there are. */
const pageRows = 50;

/** The table of connections: filtered, in pages, its rows kept as long as they are shown. */
export class List {
  #body = find("rows", HTMLElement);
  #filter = find("filter", HTMLFormElement);
  #page = 0;
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /** @param {() => void} changed called when another part of the list is wanted */
  constructor(changed) {
    const again = () => {
      this.#page = 0;
      changed();
    };
    this.#filter.addEventListener("input", again);
    this.#filter.addEventListener("submit", (event) => event.preventDefault());
    const turn = (/** @type {number} */ by) => () => {
      this.#page += by;
      changed();
    };
    find("previous", HTMLButtonElement).addEventListener("click", turn(-1));
    find("next", HTMLButtonElement).addEventListener("click", turn(1));
  }

  /** The ids that are in the document. */
  get shown() {
    return this.#rows.keys();
  }

  /** @param {ReadonlyMap<string, View>} views @param {number} now @param {string | null} open */
  render(views, now, open) {
    const wanted = this.#wanted(views);
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(wanted.length / pageRows) - 1));
    const first = this.#page * pageRows;
    const page = wanted.slice(first, first + pageRows);
    const ids = new Set(page.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const [index, view] of page.entries()) {
      const row = this.#rows.get(view.id) ?? new Row(view.id);
      this.#rows.set(view.id, row);
      row.show(view, now, view.id === open);
      // Moved only where it is elsewhere: a row that is moved loses the focus.
      if (this.#body.children[index] !== row.element)
        this.#body.insertBefore(row.element, this.#body.children[index] ?? null);
    }
    const last = first + page.length;
    const some = `${first + 1}–${last} of ${wanted.length}`;
    write(find("count", HTMLElement), wanted.length === 0 ? "none" : some);
    find("previous", HTMLButtonElement).disabled = first === 0;
    find("next", HTMLButtonElement).disabled = last >= wanted.length;
    const said = views.size === 0 ? "No connections yet." : "No connection is like that.";
    write(find("empty", HTMLElement), wanted.length === 0 ? said : "");
  }

  /** @param {ReadonlyMap<string, View>} views */
  #wanted(views) {
    const state = field(this.#filter, "state");
    const text = field(this.#filter, "text").toLowerCase();
    const [name = "", ...rest] = field(this.#filter, "label").split(":");
    const value = rest.length === 0 ? null : rest.join(":");
    return [...views.values()].filter((view) => {
      if (state !== "" && view.state !== state) return false;
      if (name !== "") {
        const label = Object.hasOwn(view.request.labels, name) ? view.request.labels[name] : undefined;
        if (label === undefined || (value !== null && value !== "" && label !== value)) return false;
      }
      if (text === "") return true;
      const { id, broker, clientId } = view;
      return [id, broker.url, clientId, reason(view).text].some((part) => part.toLowerCase().includes(text));
    });
  }
}

class Row {
  #link;
  #broker = element("td", { "data-name": "Broker" });
  #state = element("span", { class: "state" });
  #since = element("span", { class: "quiet" });
  #reason = element("td", { "data-name": "Reason" });
  #next = element("td", { "data-name": "Next attempt" });
  #protocol = element("td", { "data-name": "Protocol" });

  /** @param {string} id */
  constructor(id) {
    this.#link = element("a", { href: hashOf(id) }, id);
    this.element = element(
      "tr",
      {},
      element("th", { scope: "row" }, this.#link),
      element("td", { "data-name": "State" }, this.#state, " ", this.#since),
      this.#broker,
      this.#reason,
      this.#next,
      this.#protocol,
    );
    this.element.dataset["id"] = id;
  }

  /** @param {View} view @param {number} now @param {boolean} isOpen */
  show(view, now, isOpen) {
    const { text, hint } = reason(view);
    write(this.#broker, view.broker.url);
    write(this.#state, view.state);
    this.#state.dataset["state"] = view.state;
    write(this.#since, `for ${span(now - Date.parse(view.since))}`);
    write(this.#reason, view.state === "connected" ? "" : [text, hint].filter(Boolean).join(" "));
    write(this.#next, countdown(view, now));
    write(this.#protocol, `${protocol(view)}${isEncrypted(view) ? " · TLS" : ""}`);
    if (isOpen) this.#link.setAttribute("aria-current", "true");
    else this.#link.removeAttribute("aria-current");
  }
}

/** @param {string} id */
function hashOf(id) {
  return `#/${encodeURIComponent(id)}`;
}
