import type { Random } from "../crash/random.ts";
import { insist } from "./caller.ts";
import type { ChaosNode } from "./node.ts";

/** An entry of a log; messages have a payload. */
export interface Logged {
  readonly id: string;
  readonly type?: string;
  readonly payload?: string;
}

/** A log that is read on by pages, each of any node. */
export class PagedLog {
  readonly entries: Logged[] = [];
  readonly wrong: string[] = [];
  readonly #path: string;
  #cursor = "earliest";

  constructor(path: string) {
    this.#path = path;
  }

  /** What is new in it since. */
  async readOn(nodes: readonly ChaosNode[], random: Random): Promise<readonly Logged[]> {
    const from = this.entries.length;
    for (;;) {
      const query = `format=json&limit=1000&after=${this.#cursor}`;
      const { body } = await insist(nodes, random, "GET", `${this.#path}?${query}`);
      const gap: unknown = body.gap ?? null;
      if (gap !== null) this.wrong.push(`${this.#path} after ${this.#cursor}: a gap, ${JSON.stringify(gap)}`);
      const items = body.items as readonly Logged[];
      if (items.length === 0) return this.entries.slice(from);
      this.entries.push(...items);
      this.#cursor = body.next as string;
    }
  }
}
