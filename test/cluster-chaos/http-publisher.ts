import type { MqttClient } from "mqtt";
import { Published } from "../crash/published.ts";
import type { Random } from "../crash/random.ts";
import { call } from "./caller.ts";
import type { Home } from "./homes.ts";
import type { ChaosNode } from "./node.ts";
import { timeOfDay } from "./time-of-day.ts";

/** What a call may be answered with while nodes come and go: not there yet, not connected, too much, or no answer. */
const expected = new Set([200, 202, 409, 429, 502, 503, 504]);
const everyMs = 120;
/** One in so many is kept in the outbox, and is to come whatever happens. */
const queuedEvery = 3;

/** Publishes over HTTP, by way of any node, and notes what was answered with a promise. */
export class HttpPublisher {
  /** What was answered 200 or 202, and has to come to the broker's other subscriber. */
  readonly promised = new Published("what was published over HTTP");
  readonly answers = new Map<string, number>();
  readonly wrong: string[] = [];
  readonly #nodes: readonly ChaosNode[];
  readonly #homes: readonly Home[];
  readonly #random: Random;
  readonly #underWay = new Set<Promise<void>>();
  #sent = 0;

  constructor(nodes: readonly ChaosNode[], homes: readonly Home[], random: Random) {
    this.#nodes = nodes;
    this.#homes = homes;
    this.#random = random;
  }

  /** Reads along at the broker. */
  async listen(outside: MqttClient): Promise<void> {
    outside.on("message", (_, payload) => this.wrong.push(...this.promised.read(String(payload), "outside")));
    await outside.subscribeAsync("out/#", { qos: 2 });
  }

  /** Until the signal aborts, and all that is under way is answered. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [node, home] = [this.#random.pick(this.#nodes), this.#random.pick(this.#homes)];
      if (node !== undefined && home !== undefined) this.#begin(node, home);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await Promise.all(this.#underWay);
  }

  #begin(node: ChaosNode, home: Home): void {
    const done = this.#publish(node, home).catch(
      (error: unknown) => void this.wrong.push(`${timeOfDay()} ${String(error)}`),
    );
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done));
  }

  async #publish(node: ChaosNode, home: Home): Promise<void> {
    this.#sent += 1;
    const payload = `o${this.#sent}`;
    const isQueued = this.#random.below(queuedEvery) === 0;
    this.promised.send(payload, home.id, 1);
    const query = isQueued ? "?queue=3600" : "";
    const body = { topic: `out/${home.id}`, payload, qos: 1 };
    const reply = await call(node, "POST", `/connections/${home.id}/publish${query}`, body);
    const answer = reply === null ? "none" : String(reply.status);
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    if (reply === null) return;
    if (reply.status === 200 || reply.status === 202) this.promised.acknowledge(payload);
    if (!expected.has(reply.status))
      this.wrong.push(`${timeOfDay()} publishing by ${node.name} was answered ${JSON.stringify(reply)}`);
  }
}
