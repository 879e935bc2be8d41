// @ts-check
import { Api, Refused } from "./api.js";
import { ConnectForm } from "./connect.js";
import { Connections } from "./connections.js";
import { Detail } from "./detail.js";
import { element, field, find, write } from "./dom.js";
import { List } from "./list.js";
import { rate, sentence } from "./words.js";

/** Between two looks at all counters; thousands of connections are looked at less often. */
const refreshMs = (/** @type {number} */ count) => Math.max(2_000, count * 10);

/** How long a trouble that is over stays to be read. */
const troubleMs = 10_000;

/** Puts the parts together: what changes is drawn once a frame, and what counts time once a second. */
class Dashboard {
  #api = new Api();
  #status = find("status", HTMLElement);
  #isDirty = false;
  #troubleAt = 0;
  /** @type {number | null} */
  #streams = null;
  #until = new AbortController();
  #connections = new Connections(this.#api, (error) => {
    if (error !== undefined) this.#failed(error);
    this.#draw();
  });
  #list = new List(() => this.#draw());
  #detail = new Detail(this.#api);
  #form = new ConnectForm(this.#api, (id) => {
    location.hash = `#/${encodeURIComponent(id)}`;
  });

  async start() {
    this.#connections.watched = () => [
      ...this.#list.shown,
      ...(this.#detail.id === null ? [] : [this.#detail.id]),
    ];
    this.#connections.onEvent = (event) => this.#detail.take(event);
    this.#form.listen();
    window.addEventListener("hashchange", () => this.#followHash());
    find("close", HTMLButtonElement).addEventListener("click", () => this.#close());
    find("detail", HTMLElement).addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#close();
    });
    for (const button of document.querySelectorAll("button[data-only]"))
      button.addEventListener("click", () => this.#only(button.getAttribute("data-only") ?? ""));
    this.#listenToSignIn();
    setInterval(() => this.#draw(), 1_000);
    try {
      if (await this.#api.begin()) this.#enter();
      else this.#leave("");
    } catch (error) {
      this.#leave(error instanceof Error ? error.message : "");
    }
  }

  /** Closes what is open, and goes back to where it was opened. */
  #close() {
    const id = this.#detail.id;
    location.hash = "#/";
    for (const link of document.querySelectorAll("#rows a"))
      if (link instanceof HTMLElement && link.textContent === id) link.focus();
  }

  #listenToSignIn() {
    const form = find("sign-in", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = field(form, "token").trim();
      form.reset();
      void this.#signIn(token);
    });
    find("sign-out", HTMLButtonElement).addEventListener("click", () => void this.#signOut());
  }

  /** @param {string} token */
  async #signIn(token) {
    try {
      await this.#api.signIn(token);
      this.#enter();
    } catch (error) {
      this.#leave(error instanceof Error ? error.message : "");
    }
  }

  async #signOut() {
    try {
      await this.#api.signOut();
    } catch (error) {
      // A session that is gone is what was wanted; as long as it is there, whoever comes next would be in.
      if (!(error instanceof Refused && error.status === 401))
        return this.#leave(
          "Not signed out: the server could not be told. Load this page again, and try again.",
        );
    }
    // Nothing of what was shown is to stay for the next one.
    history.replaceState(null, "", "/");
    location.reload();
  }

  #enter() {
    find("sign-in", HTMLElement).hidden = true;
    find("app", HTMLElement).hidden = false;
    find("sign-out", HTMLButtonElement).hidden = this.#api.isOpen;
    this.#until = new AbortController();
    void this.#connections.run(this.#until.signal);
    void this.#refreshAgain(this.#until.signal);
    this.#followHash();
  }

  /** @param {string} reason */
  #leave(reason) {
    this.#until.abort();
    this.#connections.clear();
    void this.#detail.show(null);
    find("app", HTMLElement).hidden = true;
    find("sign-in", HTMLElement).hidden = false;
    write(find("sign-in-answer", HTMLElement), reason);
    find("token", HTMLInputElement).focus();
  }

  /** @param {AbortSignal} signal */
  async #refreshAgain(signal) {
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, refreshMs(this.#connections.views.size)));
      if (document.hidden || signal.aborted) continue;
      try {
        await this.#connections.refresh();
        // Only who runs the server is told.
        this.#streams = (await this.#api.call("GET", "/readyz")).streams ?? null;
      } catch (error) {
        if (this.#connections.stream === "live") this.#failed(error);
      }
    }
  }

  #followHash() {
    const hash = location.hash.slice(2);
    let id = null;
    try {
      id = hash === "" ? null : decodeURIComponent(hash);
    } catch {
      // No id of a connection looks like that.
    }
    void this.#detail.show(id);
    if (id !== null) this.#connections.want(id);
    this.#draw();
  }

  /** @param {string} state */
  #only(state) {
    const select = find("state", HTMLSelectElement);
    select.value = select.value === state ? "" : state;
    select.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof Refused && error.status === 401 && !this.#api.isOpen)
      return this.#leave("The session is over.");
    this.#troubleAt = performance.now();
    write(find("trouble", HTMLElement), error instanceof Error ? error.message : String(error));
  }

  #draw() {
    if (this.#isDirty) return;
    this.#isDirty = true;
    requestAnimationFrame(() => {
      this.#isDirty = false;
      if (!find("app", HTMLElement).hidden) this.#render(Date.now() + this.#connections.skewMs);
    });
  }

  /** @param {number} now */
  #render(now) {
    const { views, recent, rates, stream } = this.#connections;
    write(this.#status, stream === "live" ? "live" : `${stream} …`);
    this.#status.dataset["stream"] = stream;
    if (stream === "live" && performance.now() - this.#troubleAt > troubleMs)
      write(find("trouble", HTMLElement), "");
    const count = { connected: 0, waiting: 0, failed: 0, connecting: 0, closing: 0, closed: 0 };
    for (const { state } of views.values()) count[state] += 1;
    for (const name of /** @type {const} */ (["connected", "connecting", "waiting", "failed"]))
      write(find(`total-${name}`, HTMLElement), String(count[name]));
    write(find("total-streams", HTMLElement), this.#streams === null ? "–" : String(this.#streams));
    write(find("total-in", HTMLElement), rate(rates.in));
    write(find("total-out", HTMLElement), rate(rates.out));
    this.#list.render(views, now, this.#detail.id);
    this.#detail.render(views, now);
    this.#connections.look();
    this.#renderRecent(recent);
  }

  /** @param {readonly import("./model.ts").LifecycleEvent[]} recent */
  #renderRecent(recent) {
    const list = find("recent", HTMLElement);
    const newest = recent[0]?.id ?? "";
    if (list.dataset["newest"] === newest) return;
    list.dataset["newest"] = newest;
    list.replaceChildren(
      ...recent.map((event) =>
        element(
          "li",
          {},
          element("time", { datetime: event.at }, new Date(event.at).toLocaleTimeString()),
          " ",
          element("a", { href: `#/${encodeURIComponent(event.connection)}` }, event.connection),
          " ",
          element("strong", { class: "type" }, event.type),
          " ",
          sentence(event),
        ),
      ),
    );
  }
}

void new Dashboard().start();
