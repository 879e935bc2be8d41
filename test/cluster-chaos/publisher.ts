import type { MqttClient } from "mqtt";
import type { Random } from "../crash/random.ts";
import type { Home } from "./homes.ts";

/** A reason code of PUBACK and PUBREC (MQTT 5 §3.4.2.1). */
const quotaExceeded = 0x97;
const tickMs = 20;
/** One in so many goes to a topic that several have. */
const sharedEvery = 10;
/** More than that is not begun while the broker does not answer. */
const mostUnderWay = 2_000;

/** Publishes to the homes by way of the broker, evenly, and notes what it acknowledges. */
export class Publisher {
  readonly #client: MqttClient;
  readonly #homes: readonly Home[];
  readonly #random: Random;
  #sent = 0;
  #acknowledged = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(client: MqttClient, homes: readonly Home[], random: Random) {
    this.#client = client;
    this.#homes = homes;
    this.#random = random;
  }

  get sent(): number {
    return this.#sent;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Until the signal aborts, and all that is under way is decided. */
  async run(perSecond: number, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    while (!signal.aborted) {
      const due = ((performance.now() - began) * perSecond) / 1_000;
      while (this.#sent < due && this.#underWay.size < mostUnderWay) this.#publish();
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
    await Promise.all(this.#underWay);
  }

  #publish(): void {
    const home = this.#random.pick(this.#homes);
    if (home === undefined) return;
    this.#sent += 1;
    const topic = home.topics[this.#random.below(sharedEvery) === 0 ? 1 : 0];
    const qos = this.#random.below(2) === 0 ? 1 : 2;
    const payload = `m${this.#sent}-q${qos}`;
    const readers = this.#homes.filter(({ topics }) => topics.includes(topic));
    for (const reader of readers)
      reader.published.send(payload, topic, qos === 2 && reader.qos === 2 ? 2 : 1);
    const done = this.#decided(topic, payload, qos, readers);
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done)).catch(() => {});
  }

  async #decided(topic: string, payload: string, qos: 1 | 2, readers: readonly Home[]): Promise<void> {
    try {
      await this.#client.publishAsync(topic, payload, { qos });
      this.#acknowledged += 1;
      for (const { published } of readers) published.acknowledge(payload);
    } catch (error) {
      // Mosquitto says so of all subscribers when one of them is just going; it promises nothing then.
      if ((error as { code?: unknown }).code !== quotaExceeded) throw error;
    }
  }
}
