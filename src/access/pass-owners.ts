import { adminId, type Admin } from "./admin.ts";
import type { Expiry } from "./expiry.ts";
import type { OwnerRecord } from "./pass-record.ts";
import type { Principal } from "./principal.ts";
import type { Sessions } from "./sessions.ts";
import { Tenure } from "./tenure.ts";
import type { Tokens } from "./tokens.ts";

export interface PassOwnersDeps {
  readonly tokens: Pick<Tokens, "has" | "principalOf">;
  readonly admin: Admin | null;
  /** Whether tokens of others (JWT) are taken at all. */
  readonly takesForeign: boolean;
  readonly expiry: Expiry;
  readonly wall: () => number;
}

/** Who has made a pass, as it is kept, and who that is again, later or on another node. */
export class PassOwners {
  readonly #deps: PassOwnersDeps;
  /** One for all that was made with one token: by what is kept of it. */
  readonly #foreign = new Map<string, Principal>();

  constructor(deps: PassOwnersDeps) {
    this.#deps = deps;
  }

  record(owner: Principal, sessions: Sessions): OwnerRecord {
    const session = sessions.idOf(owner);
    if (session !== null) return { by: "session", id: session };
    if (owner.id === adminId) return { by: "admin", mark: this.#deps.admin?.mark ?? "" };
    if (this.#deps.tokens.has(owner.id)) return { by: "token", id: owner.id };
    const { id, tenant, scopes, publish, subscribe } = owner;
    const endsAt = this.#deps.expiry.endOf(owner.tenure) ?? 0;
    const copied = (filters: Principal["publish"]) => (filters === null ? null : [...filters]);
    return {
      ...{ by: "foreign", id, tenant, endsAt },
      ...{ scopes: [...scopes], publish: copied(publish), subscribe: copied(subscribe) },
    };
  }

  /** Null where whoever it was may no longer be here. */
  find(record: OwnerRecord, sessions: Sessions): Principal | null {
    const { tokens, admin, takesForeign } = this.#deps;
    switch (record.by) {
      case "token":
        return tokens.principalOf(record.id);
      case "session":
        return sessions.byId(record.id)?.principal ?? null;
      case "admin":
        return admin?.mark === record.mark ? admin.principal : null;
      case "foreign":
        return takesForeign ? this.#findForeign(record) : null;
      default:
        return record satisfies never;
    }
  }

  #findForeign(record: OwnerRecord & { readonly by: "foreign" }): Principal | null {
    const key = JSON.stringify(record);
    const known = this.#foreign.get(key);
    if (known !== undefined) return known;
    const { id, tenant, scopes, publish, subscribe, endsAt } = record;
    if (endsAt <= this.#deps.wall()) return null;
    const tenure = new Tenure();
    const principal = { id, tenant, scopes: new Set(scopes), publish, subscribe, tenure };
    this.#foreign.set(key, principal);
    tenure.onOver(() => this.#foreign.delete(key));
    this.#deps.expiry.add(tenure, endsAt);
    return principal;
  }
}
