import type { Secret } from "../secret.ts";
import { hashOf, isSameHash } from "./token.ts";

/**
 * Who is an operator before the store is open, in which other tokens are: whoever has the token that is a setting; or
 * everybody, where the settings have no access control and only this machine can call.
 */
export class EarlyOperators {
  readonly #admin: Buffer | null;
  #isOpen: boolean;

  /** `isOpen` is what the settings say: there may be tokens in the store. */
  constructor(adminToken: Secret | null, isOpen: boolean) {
    this.#admin = adminToken === null ? null : hashOf(adminToken.reveal());
    this.#isOpen = isOpen;
  }

  /** It is known now, whether there is access control. */
  decided(isOpen: boolean): void {
    this.#isOpen = isOpen;
  }

  /** `token` is that of the call, null where it has none. */
  has(token: string | null): boolean {
    if (this.#isOpen) return true;
    return token !== null && this.#admin !== null && isSameHash(hashOf(token), this.#admin);
  }
}
