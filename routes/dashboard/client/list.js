// @ts-check
/** @import { View } from "./model.ts" */
import { curl } from "./curl.js";
import { element, field, find, showCommand, write } from "./dom.js";
import { Sparkline } from "./sparkline.js";
import { countdown, isEncrypted, lasting, rate, reason } from "./words.js";

/** Rows in the document at a time, however many connections there are. */
const pageRows = 50;

/** The table of connections: filtered, in pages, its rows kept as long as they are shown. */
export class List {
  #body = find("rows", HTMLElement);
  #filter = find("filter", HTMLFormElement);
  #page = 0;
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /** @param {import("./api.js").Api} api @param {() => void} changed called when another part of the list is wanted */
  constructor(api, changed) {
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
    find("list-curl", HTMLButtonElement).addEventListener("click", () =>
      showCommand(find("list-answer", HTMLElement), curl("GET", this.#path(), undefined, api.isOpen)),
    );
  }

  /** The ids that are in the document. */
  get shown() {
    return this.#rows.keys();
  }

  /** The same list as a call, but for the text, by which the server does not look. */
  #path() {
    const [state, label] = [field(this.#filter, "state"), field(this.#filter, "label")];
    const query = new URLSearchParams({ limit: "1000" });
    if (state !== "") query.set("state", state);
    // Only a whole label is one that the server looks for.
    if (/^[^:]+:./.test(label)) query.set("label", label);
    return `/connections?${query}`;
  }

  /**
   * @param {ReadonlyMap<string, View>} views
   * @param {import("./history.js").History} history
   * @param {number} now
   * @param {string | null} open
   */
  render(views, history, now, open) {
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
      row.draw(history);
      // Moved only where it is elsewhere: a row that is moved loses the focus.
      if (this.#body.children[index] !== row.element)
        this.#body.insertBefore(row.element, this.#body.children[index] ?? null);
    }
    const last = first + page.length;
    const some = `${first + 1}–${last} of ${wanted.length.toLocaleString("en")}`;
    write(find("count", HTMLElement), wanted.length === 0 ? "" : some);
    const [previous, next] = [find("previous", HTMLButtonElement), find("next", HTMLButtonElement)];
    previous.disabled = first === 0;
    next.disabled = last >= wanted.length;
    previous.hidden = next.hidden = wanted.length <= pageRows;
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
  #id;
  #link;
  #broker = cell("Broker", "clipped");
  #state = element("span", { class: "state" });
  #since = element("time", { class: "quiet" });
  #reason = cell("Reason");
  #why = element("span");
  #hint = element("span", { class: "quiet" });
  #next = cell("Next attempt", "figure");
  #version = cell("Version");
  #tls = cell("TLS");
  #messages = cell("In / out per s", "figure");
  #spark = new Sparkline(["in", "out"]);
  #rates = element("span");
  #drawn = -1;

  /** @param {string} id */
  constructor(id) {
    this.#id = id;
    this.#link = element("a", { href: hashOf(id), title: id }, id);
    this.#messages.append(this.#spark.element, " ", this.#rates);
    this.#reason.append(this.#why, this.#hint);
    const state = cell("State", "figure");
    state.append(this.#state, " ", this.#since);
    const others = [this.#broker, this.#reason, this.#next, this.#version, this.#tls, this.#messages];
    this.element = element("tr", {}, element("th", { scope: "row" }, this.#link), state, ...others);
    this.element.dataset["id"] = id;
  }

  /** @param {View} view @param {number} now @param {boolean} isOpen */
  show(view, now, isOpen) {
    const { text, hint } = reason(view);
    write(this.#broker, view.broker.url);
    this.#broker.title = view.broker.url;
    write(this.#state, view.state);
    this.#state.dataset["state"] = view.state;
    write(this.#since, `for ${lasting(now - Date.parse(view.since))}`);
    if (this.#since.title !== view.since) {
      this.#since.title = view.since;
      this.#since.setAttribute("datetime", view.since);
    }
    write(this.#why, text);
    write(this.#hint, hint === "" ? "" : ` ${hint}`);
    this.#reason.classList.toggle("quiet", view.state === "connected");
    write(this.#next, countdown(view, now));
    write(this.#version, view.protocolVersion ?? "auto");
    write(this.#tls, isEncrypted(view) ? "TLS" : "none");
    this.#tls.classList.toggle("quiet", !isEncrypted(view));
    this.element.classList.toggle("open", isOpen);
    if (isOpen) this.#link.setAttribute("aria-current", "true");
    else this.#link.removeAttribute("aria-current");
  }

  /** @param {import("./history.js").History} history */
  draw(history) {
    if (this.#drawn === history.version) return;
    this.#drawn = history.version;
    const series = history.of(this.#id);
    this.#spark.show([series.in, series.out]);
    write(this.#rates, `${rate(series.in.at(-1) ?? 0)} / ${rate(series.out.at(-1) ?? 0)}`);
  }
}

/** With the name of its column, which a phone shows beside it. @param {string} name @param {string} [kind] */
function cell(name, kind = "") {
  return element("td", { "data-name": name, class: kind });
}

/** @param {string} id */
function hashOf(id) {
  return `#/${encodeURIComponent(id)}`;
}
