// @ts-check
import { Refused } from "./api.js";
import { find, write } from "./dom.js";

const lookMs = 2_000;

const tasks = {
  migration: "Bringing the store up to date",
  restore: "Bringing connections back",
  dial: "Bringing connections back",
};

/** What the server says of itself, and the banner that tells when it is not all there. */
export class Server {
  /** Open streams; null where the caller is not told. @type {number | null} */
  streams = null;
  /** What the node that answers sees of the cluster; null where there is none, or the caller is not told. @type {import("./model.ts").ClusterStanding | null} */
  cluster = null;
  #api;
  #banner = find("banner", HTMLElement);
  #text = find("banner-text", HTMLElement);
  #bar = find("banner-progress", HTMLProgressElement);

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** Waits while calls are answered that the server is starting; whatever else they come to is the caller's to see. @param {() => Promise<void>} call */
  async whenStarted(call) {
    for (;;) {
      try {
        await call();
        return this.#hide();
      } catch (error) {
        if (!isStarting(error)) throw error;
        this.sayStarting();
        await new Promise((resolve) => setTimeout(resolve, lookMs / 2));
      }
    }
  }

  /** Looks at the server again and again. @param {AbortSignal} signal */
  async watch(signal) {
    while (!signal.aborted) {
      if (!document.hidden) await this.#look();
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    this.#hide();
  }

  sayStarting() {
    this.#show("The server is starting", null);
  }

  async #look() {
    try {
      this.#take(await this.#api.call("GET", "/readyz"));
    } catch (error) {
      if (isStarting(error)) this.sayStarting();
      // A server that is not ready says the same with another status.
      else if (error instanceof Refused && error.status === 503) this.#take(error.problem);
      // What is wrong with the network is told by the stream.
    }
  }

  /** Only who runs the server is told more than whether it is ready. @param {any} said */
  #take({ streams, progress, cluster }) {
    this.streams = typeof streams === "number" ? streams : null;
    this.cluster = typeof cluster === "object" ? cluster : null;
    if (progress === null || typeof progress !== "object") return this.#hide();
    const { task, done, total } = progress;
    const what = tasks[/** @type {keyof typeof tasks} */ (task)] ?? String(task);
    const [part, all] = [done, total].map((count) => Number(count).toLocaleString("en"));
    this.#show(`${what}: ${part} of ${all}`, { done: Number(done), total: Number(total) });
  }

  /** @param {string} text @param {{ done: number, total: number } | null} progress */
  #show(text, progress) {
    write(this.#text, text);
    this.#bar.hidden = progress === null;
    if (progress !== null) {
      this.#bar.max = Math.max(1, progress.total);
      this.#bar.value = Math.min(progress.done, this.#bar.max);
    }
    this.#banner.hidden = false;
  }

  #hide() {
    this.#banner.hidden = true;
  }
}

/** @param {unknown} error */
export function isStarting(error) {
  return error instanceof Refused && error.status === 503 && error.problem.code === "starting";
}
