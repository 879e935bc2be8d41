import type { Shares } from "../shares.ts";
import { UsageAccount } from "./usage-account.ts";
import { OthersUsage } from "./usage-others.ts";
import { mostTenantsTold, sharedRates, type Statement, type TenantUsage } from "./usage-statement.ts";

export interface UsageOptions {
  /** This one. */
  readonly node: string;
  /** Those that are taken for alive, this one among them. */
  readonly members: () => readonly string[];
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Tells all nodes, this one among them. */
  readonly send: (statement: Statement) => void;
  /** {@link Usage.tellSoon} is to be called in a moment. */
  readonly hurry: () => void;
}

/** Everything is told again so often, whether it has changed or not. */
const allEveryMs = 2_000;
/** Without a word for so long, nothing is known any more. */
const forgottenAfterMs = 5_000;

/**
 * Makes limits of tenants hold over all nodes. Each node tells what it has of each tenant, and what it took of each rate;
 * the others leave room for that, and take it off their own. What two nodes do between one telling and the next they do not
 * know of each other: a limit may be passed by that much, and what was too much of a rate is made up for.
 *
 * A node that does not hear what it says itself is cut off. For 5 seconds it goes on with what it knew last; from then on it
 * has one of n parts of each limit, n being how many nodes it knew, until it hears itself again. Silence of others counts
 * only while it hears itself: one is forgotten when it is no member any more, or was silent for 5 seconds.
 */
export class Usage {
  readonly #options: UsageOptions;
  readonly #accounts = new Map<string, UsageAccount>();
  readonly #urgent = new Set<UsageAccount>();
  readonly #others = new OthersUsage();
  /** The newest statement of each node. */
  readonly #numbers = new Map<string, number>();
  #members: ReadonlySet<string>;
  #number = 0;
  #allAt = -Infinity;
  /** When it last heard what it said itself. */
  #heardAt: number;
  /** How many parts everything has, where nothing is known of others; null where it is. */
  #parts: number | null = null;

  constructor(options: UsageOptions) {
    this.#options = options;
    this.#heardAt = options.now();
    this.#members = new Set(options.members());
  }

  /** A tenant is here from now on, with these shares. */
  entered(tenant: string, shares: Shares): void {
    const account: UsageAccount = new UsageAccount(tenant, shares, () => this.#hurry(account));
    this.#accounts.set(tenant, account);
    this.#leave(account);
  }

  /** It is not here any more, which the others are told with its last word. */
  left(tenant: string): void {
    const account = this.#accounts.get(tenant);
    if (account === undefined) return;
    this.#accounts.delete(tenant);
    this.#urgent.delete(account);
    if (this.#parts === null) this.#send([account], false);
  }

  /** To be called every quarter of a second: tells what has changed, and looks after those that are silent. */
  tick(): void {
    const now = this.#options.now();
    const isAll = now - this.#allAt >= allEveryMs;
    if (now - this.#heardAt > forgottenAfterMs) return this.#cutOff(isAll);
    for (const tenant of this.#others.forget(this.#heardAt - forgottenAfterMs)) this.#leaveTo(tenant);
    if (isAll) this.#allAt = now;
    this.#send(this.#accounts.values(), isAll);
    this.#urgent.clear();
  }

  /** Tells what is urgent. */
  tellSoon(): void {
    if (this.#parts === null) this.#send(this.#urgent, false);
    this.#urgent.clear();
  }

  /** Takes in what a node says, this one too. */
  receive({ node, number, tenants }: Statement): void {
    if (node === this.#options.node) return this.#heardSelf();
    const newest = this.#numbers.get(node);
    if (newest !== undefined && number <= newest) return;
    this.#numbers.set(node, number);
    // Somebody new knows nothing yet.
    if (newest === undefined) this.#allAt = -Infinity;
    const at = this.#options.now();
    for (const usage of tenants) this.#hear(node, usage, at);
  }

  /** Somebody came or went, or has something else to say. */
  membersChanged(): void {
    const members = new Set(this.#options.members());
    if (members.size === this.#members.size && [...members].every((node) => this.#members.has(node))) return;
    this.#members = members;
    for (const node of this.#numbers.keys()) if (!members.has(node)) this.#numbers.delete(node);
    for (const account of this.#accounts.values()) this.#leave(account);
  }

  #hear(node: string, usage: TenantUsage, at: number): void {
    const taken = this.#others.hear(node, usage, at);
    const account = this.#accounts.get(usage.tenant);
    if (account === undefined) return;
    for (const name of sharedRates) account.charge(name, taken[name] ?? 0);
    this.#leave(account);
  }

  #hurry(account: UsageAccount): void {
    if (this.#urgent.size === 0) this.#options.hurry();
    this.#urgent.add(account);
  }

  #send(accounts: Iterable<UsageAccount>, isAll: boolean): void {
    const tenants: TenantUsage[] = [];
    for (const account of accounts) {
      const usage = account.tell(isAll);
      if (usage !== null) tenants.push(usage);
    }
    // One that is empty shows that this node is there, and can be heard.
    if (isAll && tenants.length === 0) this.#state([]);
    for (let at = 0; at < tenants.length; at += mostTenantsTold)
      this.#state(tenants.slice(at, at + mostTenantsTold));
  }

  #state(tenants: readonly TenantUsage[]): void {
    this.#number += 1;
    this.#options.send({ node: this.#options.node, number: this.#number, tenants });
  }

  #leaveTo(tenant: string): void {
    const account = this.#accounts.get(tenant);
    if (account !== undefined) this.#leave(account);
  }

  #leave(account: UsageAccount): void {
    if (this.#parts !== null) return account.divide(this.#parts);
    const isThere = (node: string) => this.#members.has(node);
    account.leave((name) => this.#others.used(account.tenant, name, isThere));
  }

  #cutOff(isTry: boolean): void {
    if (this.#parts === null) {
      this.#parts = Math.max(1, this.#members.size);
      for (const account of this.#accounts.values()) this.#leave(account);
    }
    if (!isTry) return;
    this.#allAt = this.#options.now();
    this.#state([]);
  }

  #heardSelf(): void {
    this.#heardAt = this.#options.now();
    if (this.#parts === null) return;
    this.#parts = null;
    this.#others.refresh(this.#heardAt);
    this.#allAt = -Infinity;
    for (const account of this.#accounts.values()) {
      account.skip();
      this.#leave(account);
    }
  }
}
