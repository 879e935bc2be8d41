// @ts-check
import { Refused } from "./api.js";
import { curl } from "./curl.js";
import { element, field, find, showCommand } from "./dom.js";
import { failure } from "./words.js";

/** The form of a new connection: to try it, stage by stage, or to open it. */
export class ConnectForm {
  #api;
  #opened;
  #form = find("connect", HTMLFormElement);
  #answer = find("connect-answer", HTMLElement);

  /** @param {import("./api.js").Api} api @param {(id: string) => void} opened */
  constructor(api, opened) {
    this.#api = api;
    this.#opened = opened;
  }

  listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run(async () => {
        const later = field(this.#form, "later") === "on" ? "?wait=0" : "";
        const view = await this.#api.call("POST", `/connections${later}`, this.#request());
        this.#answer.replaceChildren(`${view.id}: ${view.state}`);
        find("password", HTMLInputElement).value = "";
        this.#opened(view.id);
      });
    });
    find("probe", HTMLButtonElement).addEventListener("click", () => {
      if (!this.#form.reportValidity()) return;
      void this.#run(async () => this.#showProbe(await this.#api.call("POST", "/probe", this.#request())));
    });
    find("connect-curl", HTMLButtonElement).addEventListener("click", () => {
      void this.#run(async () => {
        const command = curl("POST", "/connections", this.#request(), this.#api.isOpen);
        showCommand(this.#answer, command);
      });
    });
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

  /** @param {() => Promise<void>} action */
  async #run(action) {
    this.#answer.classList.remove("problem");
    this.#answer.replaceChildren("…");
    try {
      await action();
    } catch (error) {
      this.#answer.classList.add("problem");
      if (error instanceof Refused) this.#showProblem(error.problem);
      else this.#answer.replaceChildren(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {import("./model.ts").Failure} problem */
  #showProblem(problem) {
    const { text, hint } = failure(problem);
    this.#answer.append(element("p", {}, text), element("p", {}, hint));
    this.#answer.firstChild?.remove();
  }

  /** @param {any} result */
  #showProbe({ ok, stages, connack, problem }) {
    const items = stages.map((/** @type {Record<string, any>} */ stage) =>
      element(
        "li",
        { class: stage["ok"] ? "good" : "bad" },
        element("strong", {}, String(stage["name"]).toUpperCase()),
        ` ${stage["ok"] ? "✓" : "✗"} ${stage["ms"]} ms `,
        element("span", { class: "quiet" }, String(stage["detail"])),
      ),
    );
    this.#answer.replaceChildren(element("ol", { class: "probe" }, ...items));
    if (ok)
      this.#answer.append(element("p", {}, `The broker would accept it (CONNACK ${connack.reasonCode}).`));
    else if (problem !== undefined) {
      const { text, hint } = failure(problem);
      this.#answer.classList.add("problem");
      this.#answer.append(element("p", {}, text), element("p", {}, hint));
    }
  }
}
