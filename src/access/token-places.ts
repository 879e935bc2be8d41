import { Problem } from "../problem.ts";
import { defaultTenant } from "./principal.ts";

/** How many tokens there are, in all and of each tenant: the admin of one must not take all the places of the others. */
export class TokenPlaces {
  readonly #most: number;
  readonly #mostOfTenant: number;
  readonly #ofTenant = new Map<string, number>();
  #taken = 0;

  /** `mostOfTenant` is not for the default one, which may have all there are. */
  constructor(most: number, mostOfTenant: number) {
    this.#most = most;
    this.#mostOfTenant = mostOfTenant;
  }

  /** @throws {Problem} `limit-reached` */
  take(tenant: string): void {
    if (this.#taken >= this.#most) throw full("server", "CONNACK_MAX_TOKENS", this.#most);
    if (tenant !== defaultTenant && (this.#ofTenant.get(tenant) ?? 0) >= this.#mostOfTenant)
      throw full("tenant", "CONNACK_TENANT_MAX_TOKENS", this.#mostOfTenant);
    this.force(tenant);
  }

  /** Takes a place, be there one or not: for what is there already. */
  force(tenant: string): void {
    this.#taken += 1;
    this.#ofTenant.set(tenant, (this.#ofTenant.get(tenant) ?? 0) + 1);
  }

  give(tenant: string): void {
    this.#taken -= 1;
    const left = (this.#ofTenant.get(tenant) ?? 0) - 1;
    if (left > 0) this.#ofTenant.set(tenant, left);
    else this.#ofTenant.delete(tenant);
  }
}

function full(whose: "server" | "tenant", name: string, value: number): Problem {
  return new Problem("limit-reached", {
    detail: `This ${whose} has ${value} tokens, which is as many as it may; revoke those that have expired`,
    limit: { name, value },
  });
}
