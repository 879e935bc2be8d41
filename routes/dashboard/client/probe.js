// @ts-check
import { element, write } from "./dom.js";
import { failure, milliseconds } from "./words.js";

/** @typedef {{ readonly name: string, readonly ok: boolean, readonly ms: number, readonly detail: string }} Stage */

const names = {
  policy: "Policy",
  dns: "DNS",
  tcp: "TCP",
  tls: "TLS",
  websocket: "WebSocket",
  connack: "CONNACK",
};

/** The stages of an attempt, each as it ends, with the one that is under way. */
export class ProbeView {
  #place;
  #list = element("ol", { class: "probe" });
  /** @type {{ name: string, item: HTMLElement }[]} */
  #open;

  /** @param {HTMLElement} place @param {string} url whose scheme tells which stages there are to be */
  constructor(place, url) {
    this.#place = place;
    const [scheme = ""] = url.toLowerCase().split(":");
    const encrypted = scheme === "mqtts" || scheme === "wss" ? ["tls"] : [];
    const upgraded = scheme === "ws" || scheme === "wss" ? ["websocket"] : [];
    this.#open = ["dns", "tcp", ...encrypted, ...upgraded, "connack"].map((name) => ({
      name,
      item: element("li", { class: "open" }, element("strong", {}, nameOf(name)), " ", element("span")),
    }));
    this.#list.append(...this.#open.map(({ item }) => item));
    place.replaceChildren(this.#list);
    this.#mark();
  }

  /** @param {Stage} stage */
  add({ name, ok, ms, detail }) {
    const made = element(
      "li",
      { class: ok ? "good" : "bad" },
      element("strong", {}, `${ok ? "✓" : "✗"} ${nameOf(name)}`),
      ` ${milliseconds(ms)} `,
      element("span", { class: "quiet" }, detail),
    );
    const index = this.#open.findIndex((each) => each.name === name);
    const taken = this.#open[index];
    if (taken === undefined) this.#list.insertBefore(made, this.#open[0]?.item ?? null);
    else {
      taken.item.replaceWith(made);
      this.#open.splice(index, 1);
    }
    this.#mark();
  }

  /** @param {any} result */
  end({ ok, connack, problem }) {
    for (const { item } of this.#open) {
      item.className = "skipped";
      write(item, `${item.querySelector("strong")?.textContent ?? ""} not reached`);
    }
    if (ok) {
      const accepted = `The broker would accept it (CONNACK ${connack.reasonCode}).`;
      return this.#place.append(element("p", { class: "good" }, element("strong", {}, accepted)));
    }
    const { text, hint } = failure(problem ?? {});
    this.#place.append(element("p", { class: "problem" }, text), element("p", {}, hint));
  }

  #mark() {
    const [first] = this.#open;
    const place = first?.item.querySelector("span");
    if (place) write(place, "…");
  }
}

/** @param {string} name */
function nameOf(name) {
  return names[/** @type {keyof typeof names} */ (name)] ?? name;
}
