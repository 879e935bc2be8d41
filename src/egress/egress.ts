import { OwnAddresses } from "./own-addresses.ts";
import { createEgressPolicy, type EgressLists, type EgressPolicy } from "./policy.ts";

/** The policy of this server as it holds now: each check asks the newest, whenever the attempt began. */
export class Egress implements EgressPolicy {
  /** Is told where the server listens as soon as it does. */
  readonly own = new OwnAddresses();
  #isOpen = false;
  #lists: EgressLists;
  #policy: EgressPolicy;

  /** As with access control, which has to be known before more is allowed. */
  constructor(lists: EgressLists) {
    this.#lists = lists;
    this.#policy = this.#policyOf(lists);
  }

  check(host: string, port: number, address: string): boolean {
    return this.#policy.check(host, port, address);
  }

  /** There is no access control. */
  open(): void {
    this.#isOpen = true;
    this.#policy = this.#policyOf(this.#lists);
  }

  change(lists: EgressLists): void {
    this.#lists = lists;
    this.#policy = this.#policyOf(lists);
  }

  #policyOf({ allow, deny }: EgressLists): EgressPolicy {
    return createEgressPolicy({ allow, deny, isOpen: this.#isOpen, own: this.own });
  }
}
