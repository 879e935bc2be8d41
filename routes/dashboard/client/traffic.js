// @ts-check
/** @import { Message } from "./model.ts" */
import { pathOf } from "./api.js";
import { element, field, find } from "./dom.js";
import { clock } from "./words.js";

const shown = 50;
const previewCharacters = 300;

/** @typedef {{ readonly method: string, readonly path: string, readonly body?: Record<string, unknown> }} Call */

/**
 * What it needs of what is around it: to say a text or an error, to give a call as a command, and to have a connection's
 * messages come along, or none.
 *
 * @typedef {object} Around
 * @property {(said: unknown) => void} say
 * @property {(call: Call) => void} copy
 * @property {(id: string | null) => void} watch
 */

/** What one connection carries: its subscriptions, messages as they come, and publishing. */
export class Traffic {
  #api;
  #id;
  #around;
  #isWatching = false;
  #watch = find("watch", HTMLButtonElement);
  #messages = find("messages", HTMLElement);

  /** @param {import("./api.js").Api} api @param {string} id @param {Around} around */
  constructor(api, id, around) {
    this.#api = api;
    this.#id = id;
    this.#around = around;
    this.#messages.replaceChildren();
  }

  async loadSubscriptions() {
    const { items } = await this.#api.call("GET", pathOf(this.#id, "/subscriptions"));
    const none = element("li", { class: "quiet" }, "None.");
    const shown = items.map((/** @type {any} */ item) => this.#subscription(item));
    find("subscriptions", HTMLElement).replaceChildren(...(shown.length === 0 ? [none] : shown));
  }

  /** @param {Record<string, any>} subscription */
  #subscription({ topicFilter, qos, grantedQos, reasonName }) {
    const granted =
      typeof grantedQos === "number" ? `granted QoS ${grantedQos}` : (reasonName ?? "not granted");
    const asked = grantedQos === qos ? "" : ` (asked for ${qos})`;
    const query = `?topicFilter=${encodeURIComponent(topicFilter)}`;
    const call = { method: "DELETE", path: pathOf(this.#id, `/subscriptions${query}`) };
    const [remove, copy] = [
      element("button", { type: "button", "aria-label": `Unsubscribe from ${topicFilter}` }, "Unsubscribe"),
      element(
        "button",
        { type: "button", class: "curl", "aria-label": `Copy unsubscribe from ${topicFilter} as curl` },
        "curl",
      ),
    ];
    remove.addEventListener("click", () => void this.#unsubscribe(call));
    copy.addEventListener("click", () => this.#around.copy(call));
    return element(
      "li",
      {},
      element("code", { class: "topic" }, topicFilter),
      element("span", { class: "quiet" }, `${granted}${asked}`),
      element("span", { class: "pair" }, remove, copy),
    );
  }

  /** What the form asks for, as a call. @param {HTMLFormElement} form */
  subscribeCall(form) {
    const body = { topicFilter: field(form, "topicFilter"), qos: Number(field(form, "qos")) };
    return { method: "POST", path: pathOf(this.#id, "/subscriptions"), body };
  }

  /** @param {HTMLFormElement} form */
  publishCall(form) {
    const body = {
      topic: field(form, "topic"),
      payload: field(form, "payload"),
      qos: Number(field(form, "qos")),
      retain: field(form, "retain") === "on",
    };
    return { method: "POST", path: pathOf(this.#id, "/publish"), body };
  }

  /** @param {Call} call */
  async #unsubscribe({ method, path }) {
    try {
      await this.#api.call(method, path);
      await this.loadSubscriptions();
    } catch (error) {
      this.#around.say(error);
    }
  }

  /** Begins to show messages as they come, or stops. */
  toggle() {
    if (this.#isWatching) return this.stop();
    this.#isWatching = true;
    this.#watch.setAttribute("aria-pressed", "true");
    this.#watch.textContent = "Stop watching";
    this.#around.watch(this.#id);
  }

  stop() {
    this.#isWatching = false;
    this.#watch.setAttribute("aria-pressed", "false");
    this.#watch.textContent = "Watch messages";
    delete this.#watch.dataset["open"];
    this.#around.watch(null);
  }

  /** A message, or what there is to say of them; null when none will come any more. @param {any} line @param {unknown} [why] */
  takeMessage(line, why) {
    if (!this.#isWatching) return;
    if (line === null) {
      this.stop();
      this.#around.say(why);
    } else if (line.type === "open") this.#watch.dataset["open"] = "true";
    else if (line.type === "message") this.#show(line);
    else if (line.type === "gap") this.#around.say("Some messages came faster than they could be shown.");
  }

  /** @param {Message} message */
  #show({ at, topic, payload, payloadEncoding, qos, retain }) {
    const text =
      payload.length > previewCharacters
        ? `${payload.slice(0, previewCharacters)} … (${payload.length.toLocaleString("en")} characters)`
        : payload;
    const marks = [`QoS ${qos}`, retain ? "retained" : "", payloadEncoding === "utf8" ? "" : payloadEncoding];
    this.#messages.prepend(
      element(
        "li",
        {},
        element("time", { datetime: at }, clock(at, Date.now())),
        " ",
        element("code", { class: "topic" }, topic),
        element("span", { class: "quiet" }, ` ${marks.filter(Boolean).join(" · ")}`),
        element("pre", {}, text),
      ),
    );
    while (this.#messages.childElementCount > shown) this.#messages.lastElementChild?.remove();
  }
}
