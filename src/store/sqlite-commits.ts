import { readGroup, type GroupText } from "./group-text.ts";
import type { SqliteEngine } from "./sqlite-engine.ts";
import type { FromEngine } from "./sqlite-messages.ts";

/**
 * Keeps the groups that have come, all that are there in one transaction, and answers in their order; but what became of
 * some may be known later than that others have failed.
 */
export class Commits {
  readonly #engine: SqliteEngine;
  readonly #say: (message: FromEngine) => void;
  #waiting: GroupText[] = [];
  #turn: ReturnType<typeof setImmediate> | undefined;

  constructor(engine: SqliteEngine, say: (message: FromEngine) => void) {
    this.#engine = engine;
    this.#say = say;
  }

  add(group: GroupText): void {
    this.#waiting.push(group);
    this.#turn ??= setImmediate(() => this.run());
  }

  run(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    if (this.#waiting.length === 0) return;
    const groups = this.#waiting;
    this.#waiting = [];
    const results = this.#engine.commit(groups.flatMap(readGroup));
    this.#say({ type: "committed", results, groups: groups.length, health: this.#engine.health });
  }
}
