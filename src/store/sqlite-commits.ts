import { readGroup, type GroupText } from "./group-text.ts";
import type { SqliteEngine } from "./sqlite-engine.ts";
import type { FromEngine } from "./sqlite-messages.ts";

/** Keeps the groups that have come, all that are there in one transaction, and answers in their order. */
export class Commits {
  readonly #engine: SqliteEngine;
  readonly #say: (message: FromEngine) => void;
  #waiting: GroupText[] = [];
  #turn: ReturnType<typeof setImmediate> | undefined;
  /** What became of the last ones will be known later, and nobody is answered before they are. */
  #undecided = false;

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
    if (this.#undecided || this.#waiting.length === 0) return;
    const results = this.#engine.commit(this.#waiting.flatMap(readGroup));
    this.#waiting = [];
    this.#undecided = results === null;
    this.#say({ type: "committed", results, health: this.#engine.health });
  }

  recover(): void {
    const results = this.#engine.recover();
    this.#undecided &&= results === null;
    this.#say({ type: "recovered", results, health: this.#engine.health });
    this.run();
  }
}
