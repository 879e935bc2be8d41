import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { Random } from "../crash/random.ts";
import type { ChaosNode } from "./node.ts";
import { timeOfDay } from "./time-of-day.ts";

/** A stream that says nothing for so long is broken: there is a heartbeat every 2 s. */
const silentMs = 10_000;
const pauseMs = 200;

/** One reader of a stream, which goes from node to node whenever it breaks, and now and then by itself. */
export class Reader {
  /** Ids of entries, in the order in which they came; of `/events`, those that the entries have themselves. */
  readonly ids: string[] = [];
  readonly wrong: string[] = [];
  readonly path: string;
  readonly #nodes: readonly ChaosNode[];
  readonly #random: Random;
  #lastId = "earliest";
  #resumed = 0;
  #over = false;
  #hangUp: () => void = () => {};

  constructor(path: string, nodes: readonly ChaosNode[], random: Random) {
    this.path = path;
    this.#nodes = nodes;
    this.#random = random;
  }

  /** How often it went on elsewhere. */
  get resumed(): number {
    return this.#resumed;
  }

  /** Until `stop` is called. */
  async run(): Promise<void> {
    for (let node = this.#random.pick(this.#nodes); !this.#over; node = this.#other(node)) {
      if (node !== undefined && node.isRunning) await this.#read(node);
      this.#resumed += 1;
      if (!this.#over) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  stop(): void {
    this.#over = true;
    this.#hangUp();
  }

  #other(node: ChaosNode | undefined): ChaosNode | undefined {
    return this.#random.pick(this.#nodes.filter((each) => each !== node));
  }

  async #read(node: ChaosNode): Promise<void> {
    const controller = new AbortController();
    this.#hangUp = () => controller.abort();
    let timer = setTimeout(this.#hangUp, silentMs);
    const leaving = setTimeout(this.#hangUp, 5_000 + this.#random.below(25_000));
    try {
      const response = await fetch(`${node.url}${this.path}`, {
        signal: controller.signal,
        headers: { accept: "text/event-stream", "last-event-id": this.#lastId },
      });
      if (response.status === 200) {
        const parser = createParser({ onEvent: (event) => this.#take(event, node) });
        const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        for await (const chunk of response.body ?? []) {
          clearTimeout(timer);
          timer = setTimeout(this.#hangUp, silentMs);
          parser.feed(decoder.decode(chunk, { stream: true }));
        }
      } else {
        const text = await response.text();
        if (response.status < 500 && response.status !== 429)
          this.wrong.push(`${timeOfDay()} ${this.path} of ${node.name}: ${response.status} ${text}`);
      }
    } catch {
      // Hung up, by either side.
    } finally {
      clearTimeout(timer);
      clearTimeout(leaving);
    }
  }

  #take({ id, event, data }: EventSourceMessage, node: ChaosNode): void {
    if (id === undefined) {
      if (event === "gap")
        this.wrong.push(`${timeOfDay()} ${this.path} of ${node.name} after ${this.#lastId}: ${data}`);
      return;
    }
    this.#lastId = id;
    if (event === "snapshot") return;
    const said = JSON.parse(data) as { readonly id: string; readonly eventId?: string };
    this.ids.push(said.eventId ?? said.id);
  }
}
