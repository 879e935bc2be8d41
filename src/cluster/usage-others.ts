import { sharedRates, type SharedBudget, type SharedRate, type TenantUsage } from "./usage-statement.ts";

interface Heard {
  readonly used: TenantUsage["used"];
  /** Totals. */
  readonly taken: Partial<Record<SharedRate, number>>;
  readonly at: number;
}

/** What other nodes have of tenants, as they said last. */
export class OthersUsage {
  /** By tenant, and by node. */
  readonly #heard = new Map<string, Map<string, Heard>>();

  /** Takes in what a node says; returns how much it has taken of rates since it was heard of that last. */
  hear(node: string, { tenant, used, taken }: TenantUsage, at: number): Partial<Record<SharedRate, number>> {
    const nodes = this.#heard.get(tenant) ?? new Map<string, Heard>();
    this.#heard.set(tenant, nodes);
    const before = nodes.get(node)?.taken ?? {};
    const totals: Partial<Record<SharedRate, number>> = { ...before };
    const more: Partial<Record<SharedRate, number>> = {};
    for (const name of sharedRates) {
      const [total, since] = taken[name] ?? [];
      if (total === undefined || since === undefined) continue;
      const known = before[name];
      // A statement may have been lost; and where it has begun anew, or was never heard of, all before is long over.
      more[name] = known !== undefined && known <= total ? total - known : since;
      totals[name] = total;
    }
    nodes.set(node, { used, taken: totals, at });
    return more;
  }

  /** How much of something those nodes have. */
  used(tenant: string, name: SharedBudget, isThere: (node: string) => boolean): number {
    let sum = 0;
    for (const [node, heard] of this.#heard.get(tenant) ?? [])
      if (isThere(node)) sum += heard.used[name] ?? 0;
    return sum;
  }

  /** Forgets what nobody has said again since then; returns the tenants of which that was. */
  forget(before: number): string[] {
    const changed: string[] = [];
    for (const [tenant, nodes] of this.#heard) {
      let hasChanged = false;
      for (const [node, { at }] of nodes) if (at < before) hasChanged = nodes.delete(node) || hasChanged;
      if (hasChanged) changed.push(tenant);
      if (nodes.size === 0) this.#heard.delete(tenant);
    }
    return changed;
  }

  /** Nothing could be heard until now: what is known counts as said just now. */
  refresh(at: number): void {
    for (const nodes of this.#heard.values())
      for (const [node, heard] of nodes) nodes.set(node, { ...heard, at });
  }
}
