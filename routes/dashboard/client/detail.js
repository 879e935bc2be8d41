// @ts-check
/** @import { View, LifecycleEvent } from "./model.ts" */
import { pathOf } from "./api.js";
import { curl } from "./curl.js";
import { describe, element, find, showCommand, write } from "./dom.js";
import { Timeline } from "./timeline.js";
import { Traffic } from "./traffic.js";
import { factsOf, limitsOf } from "./limits.js";
import { clock, countdown, failure, lasting, milliseconds, reason } from "./words.js";

/** @typedef {{ readonly method: string, readonly path: string, readonly body?: Record<string, unknown> }} Call */

/** What is looked at of the open connection, as calls of their own. */
const readings = {
  view: "",
  timeline: "/events?format=json&limit=1000",
  subscriptions: "/subscriptions",
  watch: "/messages?format=ndjson",
};

const stageNames = { dnsMs: "DNS", tcpMs: "TCP", tlsMs: "TLS", wsMs: "WebSocket", connackMs: "CONNACK" };

/** All about one connection, and what can be done with it. */
export class Detail {
  #api;
  #section = find("detail", HTMLElement);
  #answer = find("answer", HTMLElement);
  /** @type {{ id: string, timeline: Timeline, traffic: Traffic } | null} */
  #open = null;

  #connections;

  /** @param {import("./api.js").Api} api @param {import("./connections.js").Connections} connections */
  constructor(api, connections) {
    this.#api = api;
    this.#connections = connections;
    connections.onMessage = (line, why) => this.#open?.traffic.takeMessage(line, why);
    this.#button("reconnect", (id) => ({ method: "POST", path: pathOf(id, "/reconnect") }));
    this.#button("ping", (id) => ({ method: "POST", path: pathOf(id, "/ping") }));
    this.#button("disconnect", (id) => ({ method: "DELETE", path: pathOf(id) }));
    this.#form("subscribe", (traffic, form) => traffic.subscribeCall(form));
    this.#form("publish", (traffic, form) => traffic.publishCall(form));
    for (const [name, rest] of Object.entries(readings))
      find(`${name}-curl`, HTMLButtonElement).addEventListener("click", () => {
        if (this.#open !== null) this.#copy({ method: "GET", path: pathOf(this.#open.id, rest) });
      });
    find("watch", HTMLButtonElement).addEventListener("click", () => this.#open?.traffic.toggle());
  }

  get id() {
    return this.#open?.id ?? null;
  }

  /** Shows this connection, or none. @param {string | null} id */
  async show(id) {
    if (id === this.id) return;
    this.#open?.traffic.stop();
    this.#section.hidden = id === null;
    this.#open = null;
    if (id === null) return;
    for (const list of ["timeline", "subscriptions", "messages"]) find(list, HTMLElement).replaceChildren();
    this.#say("");
    write(find("detail-title", HTMLElement), id);
    const timeline = new Timeline(find("timeline", HTMLElement));
    const traffic = new Traffic(this.#api, id, {
      say: (said) => this.#say(said),
      copy: (call) => this.#copy(call),
      watch: (watched) => this.#connections.watchMessages(watched),
    });
    this.#open = { id, timeline, traffic };
    find("detail-title", HTMLElement).focus();
    try {
      const { items } = await this.#api.call("GET", pathOf(id, "/events?format=json&limit=1000"));
      timeline.add(items);
      await traffic.loadSubscriptions();
    } catch (error) {
      if (this.#open?.id === id) this.#say(error);
    }
  }

  /** @param {LifecycleEvent} event */
  take(event) {
    if (this.#open === null || event.connection !== this.#open.id) return;
    this.#open.timeline.add([event]);
    if (/subscri|^connected$/.test(event.type))
      this.#open.traffic.loadSubscriptions().catch((/** @type {unknown} */ error) => this.#say(error));
  }

  /** @param {ReadonlyMap<string, View>} views @param {number} now */
  render(views, now) {
    if (this.#open === null) return;
    const view = views.get(this.#open.id);
    for (const name of ["reconnect", "ping", "disconnect"])
      find(name, HTMLButtonElement).disabled = view === undefined;
    this.#open.timeline.tick(now);
    const state = find("detail-state", HTMLElement);
    state.dataset["state"] = view?.state ?? "closed";
    write(state, view?.state ?? "gone");
    if (view === undefined) return;
    const next = countdown(view, now);
    const since = `since ${clock(view.since, now)}, for ${lasting(now - Date.parse(view.since))}`;
    write(find("detail-since", HTMLElement), next === "" ? since : `${since}, next attempt ${next}`);
    const { text, hint } = reason(view);
    write(find("detail-reason", HTMLElement), [text, hint].filter(Boolean).join(" "));
    describe(find("facts", HTMLElement), factsOf(view));
    describe(find("limits", HTMLElement), limitsOf(view));
    drawStages(find("stages", HTMLElement), view.timings);
  }

  /** @param {string} name @param {(id: string) => Call} callOf */
  #button(name, callOf) {
    find(name, HTMLButtonElement).addEventListener("click", () => {
      if (this.#open !== null) void this.#run(callOf(this.#open.id));
    });
    find(`${name}-curl`, HTMLButtonElement).addEventListener("click", () => {
      if (this.#open !== null) this.#copy(callOf(this.#open.id));
    });
  }

  /** @param {string} name @param {(traffic: Traffic, form: HTMLFormElement) => Call} callOf */
  #form(name, callOf) {
    const form = find(name, HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#open !== null) void this.#run(callOf(this.#open.traffic, form));
    });
    find(`${name}-curl`, HTMLButtonElement).addEventListener("click", () => {
      if (this.#open !== null) this.#copy(callOf(this.#open.traffic, form));
    });
  }

  /** @param {Call} call */
  async #run({ method, path, body }) {
    this.#say("…");
    try {
      const answer = await this.#api.call(method, path, body);
      const { rttMs, reasonName, state } = answer ?? {};
      if (rttMs !== undefined) this.#say(`The broker answered within ${rttMs} ms.`);
      else this.#say(reasonName ?? state ?? "Done.");
    } catch (error) {
      this.#say(error);
    }
  }

  /** @param {Call} call */
  #copy({ method, path, body }) {
    const command = curl(method, path, body, this.#api.isOpen);
    showCommand(this.#answer, command);
  }

  /** @param {unknown} said a text, or an error */
  #say(said) {
    const isProblem = said instanceof Error;
    this.#answer.classList.toggle("problem", isProblem);
    if (!isProblem) return write(this.#answer, String(said));
    const { text, hint } = failure(
      "problem" in said ? /** @type {object} */ (said.problem) : { detail: said.message },
    );
    write(this.#answer, [text, hint].filter(Boolean).join(" ") || said.message);
  }
}

/** The stages of the last attempt side by side, each as wide as it was long. @param {HTMLElement} bar @param {Record<string, number | null>} timings */
function drawStages(bar, timings) {
  const parts = Object.entries(stageNames).flatMap(([key, name]) => {
    const ms = timings[key];
    return typeof ms === "number" ? [{ name, ms }] : [];
  });
  const text = parts.map(({ name, ms }) => `${name} ${milliseconds(ms)}`).join(", ");
  if (bar.getAttribute("aria-label") === text) return;
  bar.setAttribute("aria-label", text);
  bar.replaceChildren(
    ...parts.map(({ name, ms }) => {
      const part = element("span", {}, `${name} ${milliseconds(ms)}`);
      part.style.flexGrow = String(Math.max(ms, 0.01));
      part.title = part.textContent ?? "";
      return part;
    }),
  );
}
