// @ts-check
import { Api, Refused } from "./api.js";
import { Cluster } from "./cluster.js";
import { ConnectForm } from "./connect.js";
import { Connections } from "./connections.js";
import { curl } from "./curl.js";
import { Detail } from "./detail.js";
import { element, field, find, showCommand, write } from "./dom.js";
import { List } from "./list.js";
import { isStarting, Server } from "./server.js";
import { Totals } from "./totals.js";
import { clock, sentence } from "./words.js";

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
  #server = new Server(this.#api);
  #until = new AbortController();
  #connections = new Connections(this.#api, (error) => {
    if (error !== undefined) this.#failed(error);
    this.#draw();
  });
  #totals = new Totals();
  #cluster = new Cluster();
  #list = new List(this.#api, () => this.#draw());
  #detail = new Detail(this.#api, this.#connections);
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
    find("recent-curl", HTMLButtonElement).addEventListener("click", () =>
      showCommand(
        find("recent-answer", HTMLElement),
        curl("GET", "/events?format=ndjson", undefined, this.#api.isOpen),
      ),
    );
    this.#listenToSignIn();
    setInterval(() => this.#draw(), 1_000);
    try {
      await this.#server.whenStarted(async () => {
        if (await this.#api.begin()) this.#enter();
        else this.#leave("");
      });
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
    find("new", HTMLButtonElement).hidden = false;
    this.#until = new AbortController();
    void this.#connections.run(this.#until.signal);
    void this.#refreshAgain(this.#until.signal);
    void this.#server.watch(this.#until.signal);
    this.#followHash();
  }

  /** @param {string} reason */
  #leave(reason) {
    this.#until.abort();
    this.#connections.clear();
    void this.#detail.show(null);
    find("app", HTMLElement).hidden = true;
    find("new", HTMLButtonElement).hidden = true;
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

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof Refused && error.status === 401 && !this.#api.isOpen)
      return this.#leave("The session is over.");
    if (isStarting(error)) return this.#server.sayStarting();
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
    const { views, recent, history, stream } = this.#connections;
    write(this.#status, stream === "live" ? "live" : `${stream} …`);
    this.#status.dataset["stream"] = stream;
    if (stream === "live" && performance.now() - this.#troubleAt > troubleMs)
      write(find("trouble", HTMLElement), "");
    this.#totals.render(views, history, this.#server.streams, now);
    this.#cluster.render(this.#server.cluster, now);
    this.#list.render(views, history, now, this.#detail.id);
    this.#detail.render(views, now);
    this.#connections.look();
    this.#renderRecent(recent, now);
  }

  /** @param {readonly import("./model.ts").LifecycleEvent[]} recent @param {number} now */
  #renderRecent(recent, now) {
    const list = find("recent", HTMLElement);
    const newest = recent[0]?.id ?? "";
    if (list.dataset["newest"] === newest) return;
    list.dataset["newest"] = newest;
    list.replaceChildren(
      ...recent.map((event) =>
        element(
          "li",
          {},
          element("time", { datetime: event.at, title: event.at }, clock(event.at, now)),
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
