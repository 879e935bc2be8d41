import type { Call } from "./tunnel-call.ts";

/** A node with which there are calls. */
interface Node {
  readonly inbox: string;
  /** Ours, by which we know whom nobody has taken a ping for. */
  readonly number: number;
  heardAt: number;
  /** Pings in a row for which nobody was there. */
  unanswered: number;
  /** With how many pings in a row have said that something of the call is missing. */
  readonly calls: Map<Call, number>;
}

export interface NodesOptions {
  readonly silentMs: number;
  readonly now: () => number;
  readonly ping: (
    inbox: string,
    number: number,
    calls: readonly { readonly id: number; readonly seq: number }[],
  ) => void;
}

/** One may have been on its way when the ping was made, or be unknown to a server for a moment. */
const mostStrikes = 2;

/** Who is at the other end of the calls that are under way, and whether they are still there. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #byInbox = new Map<string, Node>();
  readonly #ofCall = new Map<Call, Node>();
  #lastNumber = 0;

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byInbox.size;
  }

  attach(call: Call, inbox: string): void {
    let node = this.#byInbox.get(inbox);
    if (node === undefined) {
      this.#lastNumber += 1;
      const heardAt = this.#options.now();
      node = { inbox, number: this.#lastNumber, heardAt, unanswered: 0, calls: new Map() };
      this.#byInbox.set(inbox, node);
    }
    node.calls.set(call, 0);
    this.#ofCall.set(call, node);
  }

  release(call: Call): void {
    const node = this.#ofCall.get(call);
    if (node === undefined) return;
    this.#ofCall.delete(call);
    node.calls.delete(call);
    if (node.calls.size === 0) this.#byInbox.delete(node.inbox);
  }

  /** Something has come for a call. */
  heard(call: Call): void {
    const node = this.#ofCall.get(call);
    if (node !== undefined) this.#heard(node);
  }

  /** What the other node says of the calls that we have with it: what it has sent in each. */
  pinged(inbox: string, sent: ReadonlyMap<number, number>): void {
    const node = this.#byInbox.get(inbox);
    if (node === undefined) {
      // It would wait for the rest of calls whose end was lost, and hear nothing of us any more.
      if (sent.size > 0) this.#options.ping(inbox, 0, []);
      return;
    }
    this.#heard(node);
    for (const [call, strikes] of node.calls) {
      const seq = sent.get(call.id);
      const isWell = seq !== undefined && !call.isBehind(seq);
      if (isWell) node.calls.set(call, 0);
      else if (strikes + 1 < mostStrikes) node.calls.set(call, strikes + 1);
      else call.fail(seq === undefined ? "forgotten" : "lost");
    }
  }

  /** There was nobody to take a ping. */
  noResponders(number: number): void {
    for (const node of this.#byInbox.values()) {
      if (node.number !== number) continue;
      node.unanswered += 1;
      if (node.unanswered >= mostStrikes) for (const call of [...node.calls.keys()]) call.fail("gone");
    }
  }

  /** `isLate`: we have not been running for a while, and what the others have said meanwhile is still to be read. */
  tick(now: number, isLate: boolean): void {
    for (const node of [...this.#byInbox.values()]) {
      if (isLate) node.heardAt = now;
      if (now - node.heardAt >= this.#options.silentMs) {
        for (const call of [...node.calls.keys()]) call.fail("silent");
      } else {
        const listed = [...node.calls.keys()].map((call) => call.listed);
        this.#options.ping(node.inbox, node.number, listed);
      }
    }
  }

  #heard(node: Node): void {
    node.heardAt = this.#options.now();
    node.unanswered = 0;
  }
}
