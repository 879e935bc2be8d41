// @ts-check
/** @import { Message } from "./model.ts" */
import { pathOf } from "./api.js";
import { element, field, find } from "./dom.js";

const shown = 50;
const previewCharacters = 300;

/** What one connection carries: its subscriptions, messages as they come, and publishing. */
export class Traffic {
  #api;
  #id;
  #say;
  /** @type {AbortController | null} */
  #watching = null;
  #watch = find("watch", HTMLButtonElement);
  #messages = find("messages", HTMLElement);

  /**
   * @param {import("./api.js").Api} api
   * @param {string} id
   * @param {(said: unknown) => void} say a text, or an error
   */
  constructor(api, id, say) {
    this.#api = api;
    this.#id = id;
    this.#say = say;
    this.#messages.replaceChildren();
  }

  async loadSubscriptions() {
    const { items } = await this.#api.call("GET", pathOf(this.#id, "/subscriptions"));
    find("subscriptions", HTMLElement).replaceChildren(
      ...items.map((/** @type {Record<string, any>} */ { topicFilter, qos, grantedQos, reasonName }) => {
        const granted =
          typeof grantedQos === "number" ? `granted QoS ${grantedQos}` : (reasonName ?? "not granted");
        const remove = element("button", {
          type: "button",
          click: () => void this.#unsubscribe(topicFilter),
        });
        remove.textContent = "Unsubscribe";
        remove.setAttribute("aria-label", `Unsubscribe from ${topicFilter}`);
        const asked = grantedQos === qos ? "" : ` (asked for ${qos})`;
        return element("li", {}, element("code", {}, topicFilter), ` ${granted}${asked} `, remove);
      }),
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

  /** @param {string} topicFilter */
  async #unsubscribe(topicFilter) {
    try {
      const query = `?topicFilter=${encodeURIComponent(topicFilter)}`;
      await this.#api.call("DELETE", pathOf(this.#id, `/subscriptions${query}`));
      await this.loadSubscriptions();
    } catch (error) {
      this.#say(error);
    }
  }

  /** Begins to show messages as they come, or stops. */
  async toggle() {
    if (this.#watching !== null) return this.stop();
    const watching = new AbortController();
    this.#watching = watching;
    this.#watch.setAttribute("aria-pressed", "true");
    this.#watch.textContent = "Stop";
    try {
      for await (const line of this.#api.lines(pathOf(this.#id, "/messages?format=ndjson"), watching.signal))
        if (typeof line.topic === "string") this.#show(line);
        else if (line.type === "gap") this.#say("Some messages came faster than they could be shown.");
    } catch (error) {
      if (!watching.signal.aborted) this.#say(error);
    }
    if (this.#watching === watching) this.stop();
  }

  stop() {
    this.#watching?.abort();
    this.#watching = null;
    this.#watch.setAttribute("aria-pressed", "false");
    this.#watch.textContent = "Watch messages";
  }

  /** @param {Message} message */
  #show({ at, topic, payload, payloadEncoding, qos, retain }) {
    const text =
      payload.length > previewCharacters
        ? `${payload.slice(0, previewCharacters)} … (${payload.length})`
        : payload;
    const marks = [`QoS ${qos}`, retain ? "retained" : "", payloadEncoding === "utf8" ? "" : payloadEncoding];
    this.#messages.prepend(
      element(
        "li",
        {},
        element("time", { datetime: at }, new Date(at).toLocaleTimeString()),
        " ",
        element("code", { class: "topic" }, topic),
        element("span", { class: "quiet" }, ` ${marks.filter(Boolean).join(" · ")}`),
        element("pre", {}, text),
      ),
    );
    while (this.#messages.childElementCount > shown) this.#messages.lastElementChild?.remove();
  }
}
