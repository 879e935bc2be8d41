// @ts-check
import { Refused } from "./api.js";
import { curl } from "./curl.js";
import { element, field, find, showCommand } from "./dom.js";
import { ProbeView } from "./probe.js";
import { failure } from "./words.js";

/** The form of a new connection: to try it, stage by stage, or to open it. */
export class ConnectForm {
  #api;
  #opened;
  #form = find("connect", HTMLFormElement);
  #answer = find("connect-answer", HTMLElement);
  /** What the answer is of; another one takes its place. */
  #until = new AbortController();

  /** @param {import("./api.js").Api} api @param {(id: string) => void} opened */
  constructor(api, opened) {
    this.#api = api;
    this.#opened = opened;
  }

  listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run(async () => {
        const view = await this.#api.call("POST", this.#path(), this.#request());
        this.#answer.replaceChildren(`${view.id}: ${view.state}`);
        find("password", HTMLInputElement).value = "";
        this.#opened(view.id);
      });
    });
    find("probe", HTMLButtonElement).addEventListener("click", () => {
      if (this.#form.reportValidity()) void this.#run((signal) => this.#probe(signal));
    });
    find("connect-curl", HTMLButtonElement).addEventListener("click", () => this.#copy(() => this.#path()));
    find("probe-curl", HTMLButtonElement).addEventListener("click", () => this.#copy(() => "/probe"));
    find("new", HTMLButtonElement).addEventListener("click", () => {
      const url = find("url", HTMLInputElement);
      url.focus();
      url.scrollIntoView({ block: "center" });
    });
  }

  #path() {
    return field(this.#form, "later") === "on" ? "/connections?wait=0" : "/connections";
  }

  /** @param {() => string} path */
  #copy(path) {
    void this.#run(async () => {
      const command = curl("POST", path(), this.#request(), this.#api.isOpen);
      showCommand(this.#answer, command);
    });
  }

  /** Shows each stage when it has ended. @param {AbortSignal} signal */
  async #probe(signal) {
    const request = this.#request();
    const view = new ProbeView(this.#answer, String(request["url"]));
    for await (const { type, ...line } of this.#api.lines("/probe", signal, undefined, request)) {
      if (signal.aborted) return;
      if (type === "stage") view.add(line);
      else if (type === "result") return view.end(line);
    }
    throw new Error("The probe was cut off before its end.");
  }

  /** @returns {Record<string, unknown>} */
  #request() {
    const text = (/** @type {string} */ name) => field(this.#form, name);
    const more = text("more").trim() === "" ? {} : JSON.parse(text("more"));
    const labels = text("labels")
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean)
      .map((part) => {
        const [name = "", ...rest] = part.split(":");
        return [name.trim(), rest.join(":").trim()];
      });
    const optional = ["id", "clientId", "username", "password"].filter((name) => text(name) !== "");
    return {
      url: text("url"),
      protocolVersion: text("protocolVersion"),
      ...Object.fromEntries(optional.map((name) => [name, text(name)])),
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
      ...more,
    };
  }

  /** @param {(signal: AbortSignal) => Promise<void>} action */
  async #run(action) {
    this.#until.abort();
    this.#until = new AbortController();
    const { signal } = this.#until;
    this.#answer.classList.remove("problem");
    this.#answer.replaceChildren("…");
    try {
      await action(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#answer.classList.add("problem");
      if (error instanceof Refused) this.#showProblem(error.problem);
      else this.#answer.replaceChildren(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {import("./model.ts").Failure} problem */
  #showProblem(problem) {
    const { text, hint } = failure(problem);
    this.#answer.replaceChildren(element("p", {}, text), element("p", { class: "hint" }, hint));
  }
}
