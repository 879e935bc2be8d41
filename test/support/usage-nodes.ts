import { NodeTenants } from "../../src/node-tenants.ts";
import { parseSettings, type Settings } from "../../src/settings.ts";
import { processShares, type Shares } from "../../src/shares.ts";
import { decodeStatement, encodeStatement } from "../../src/cluster/usage-statement.ts";
import { Usage } from "../../src/cluster/usage.ts";

/** What happens at a time, in milliseconds. */
interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface UsageNode {
  readonly name: string;
  readonly usage: Usage;
  readonly tenants: NodeTenants;
  /** Of the tenant `acme`. */
  readonly acme: Shares;
  /** Whether what it says arrives anywhere, and what others say here. */
  isConnected: boolean;
}

const tickMs = 250;
const soonMs = 10;

/** Nodes that tell one another what tenants have, on a clock that stands until told. */
export class UsageNodes {
  readonly nodes: UsageNode[] = [];
  /** How long a statement is under way, in milliseconds: each time anew. */
  delayMs: () => number = () => 1;
  /** Those that are taken for alive; all while that is null. */
  members: readonly string[] | null = null;
  readonly #settings: Settings;
  readonly #due: Due[] = [];
  #now = 0;
  #order = 0;

  constructor(environment: Record<string, string>) {
    this.#settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
  }

  get now(): number {
    return this.#now;
  }

  /** `phaseMs` is when it tells for the first time. */
  add(name: string, phaseMs = 0): UsageNode {
    const now = () => this.#now;
    const tenants = new NodeTenants(this.#settings, now, processShares(this.#settings, now));
    const usage = new Usage({
      ...{ node: name, now, members: () => this.members ?? this.nodes.map((node) => node.name) },
      send: (statement) => this.#send(node, encodeStatement(statement)),
      hurry: () => this.at(soonMs, () => usage.tellSoon()),
    });
    tenants.watch(usage);
    const { shares: acme } = tenants.hold("acme");
    const node: UsageNode = { name, usage, tenants, acme, isConnected: true };
    this.nodes.push(node);
    for (const each of this.nodes) each.usage.membersChanged();
    const tick = () => {
      usage.tick();
      this.at(tickMs, tick);
    };
    this.at(phaseMs, tick);
    return node;
  }

  /** A node is gone, and the others know. */
  remove(name: string): void {
    this.members = this.nodes.map((node) => node.name).filter((each) => each !== name);
    for (const each of this.nodes) each.usage.membersChanged();
  }

  /** Runs what is due in the next milliseconds. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }

  at(inMs: number, run: () => void): void {
    this.#order += 1;
    this.#due.push({ at: this.#now + inMs, order: this.#order, run });
    this.#due.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  #next(until: number): Due | undefined {
    return (this.#due[0]?.at ?? Infinity) <= until ? this.#due.shift() : undefined;
  }

  #send(from: UsageNode, text: string): void {
    if (!from.isConnected) return;
    for (const node of this.nodes) {
      this.at(this.delayMs(), () => {
        const statement = decodeStatement(text);
        if (node.isConnected && statement !== null) node.usage.receive(statement);
      });
    }
  }
}
