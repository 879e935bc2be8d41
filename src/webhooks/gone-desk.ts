/** The endpoint of a webhook has answered 410 to a cell that does not keep the webhook. */
export interface Gone {
  readonly tenant: string;
  readonly webhook: string;
  /** The record as that cell had it: a webhook that was changed since then is not the one that is gone. */
  readonly known: string;
}

/** Disables a webhook, if it is still what was `known`; whether it is. */
export type TakeGone = (webhook: string, known: string) => Promise<boolean>;

/** Where the cell that keeps the webhooks is told which of their endpoints are gone. */
export class GoneDesk {
  readonly #tenants = new Map<string, TakeGone>();

  /** Takes those of a tenant, until the returned function is called. */
  attend(tenant: string, take: TakeGone): () => void {
    this.#tenants.set(tenant, take);
    return () => {
      if (this.#tenants.get(tenant) === take) this.#tenants.delete(tenant);
    };
  }

  /**
   * `what` is a {@link Gone}; another version may say something else.
   *
   * @throws {Error} where it does, or the tenant's are not back yet
   */
  async take(what: unknown): Promise<boolean> {
    const { tenant, webhook, known } = read(what);
    const take = this.#tenants.get(tenant);
    if (take === undefined) throw new Error("The webhooks of the tenant are not here");
    return take(webhook, known);
  }
}

function read(what: unknown): Gone {
  const { tenant, webhook, known } = (what ?? {}) as Partial<Record<keyof Gone, unknown>>;
  if (typeof tenant === "string" && typeof webhook === "string" && typeof known === "string")
    return { tenant, webhook, known };
  throw new Error("Another version of this says which webhooks are gone");
}
