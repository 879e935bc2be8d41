import { OwnAddresses } from "./own-addresses.ts";
import { createEgressPolicy, type EgressLists, type EgressPolicy } from "./policy.ts";

/** The policy of this server as it holds now: each check asks the newest, whenever the attempt began. */
export class Egress implements EgressPolicy {
  /** Is told where the server listens as soon as it does. */
  readonly own = new OwnAddresses();
  readonly #isOpen: boolean;
  #policy: EgressPolicy;

  /** `isOpen`: there is no access control. */
  constructor(lists: EgressLists, isOpen: boolean) {
    this.#isOpen = isOpen;
    this.#policy = this.#policyOf(lists);
  }

  check(host: string, port: number, address: string): boolean {
    return this.#policy.check(host, port, address);
  }

  change(lists: EgressLists): void {
    this.#policy = this.#policyOf(lists);
  }

  #policyOf({ allow, deny }: EgressLists): EgressPolicy {
    return createEgressPolicy({ allow, deny, isOpen: this.#isOpen, own: this.own });
  }
}
