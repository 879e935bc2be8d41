import type { ChainWatch } from "./chain-watch.ts";
import type { ChaosNode } from "./node.ts";
import { describeTakeOver, measureTakeOver, type TakeOver } from "./take-over.ts";

/** Where nothing else is broken, others are to have it by then, however busy the machine is. */
const mostSecondsAfterKill = 15;

/** What became of what nodes had that were lost. */
export class Losses {
  readonly wrong: string[] = [];
  readonly #chain: ChainWatch;
  readonly #say: (line: string) => void;
  readonly #measured: Promise<void>[] = [];
  #slowest = 0;

  constructor(chain: ChainWatch, say: (line: string) => void) {
    this.#chain = chain;
    this.#say = say;
  }

  /** Of those after kill -9 alone, in seconds. */
  get slowest(): number {
    return this.#slowest;
  }

  /** The node is lost now; how long it takes until others have what it had is told when it is known. */
  add(node: ChaosNode, cause: string): void {
    this.#measured.push(this.#measure(node.name, cause));
  }

  /** Resolves when all is known. */
  async known(): Promise<void> {
    await Promise.all(this.#measured);
  }

  async #measure(node: string, cause: string): Promise<void> {
    const takeOver = await measureTakeOver(this.#chain, node, cause);
    if (takeOver === null) this.wrong.push(`what ${node} had was not taken over: ${cause}`);
    else this.#note(takeOver);
  }

  #note(takeOver: TakeOver): void {
    this.#say(describeTakeOver(takeOver));
    if (takeOver.cause !== "kill -9") return;
    this.#slowest = Math.max(this.#slowest, ...takeOver.seconds);
    if (this.#slowest > mostSecondsAfterKill)
      this.wrong.push(`it took ${this.#slowest} s until others had what ${takeOver.node} had`);
  }
}
