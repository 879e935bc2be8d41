import { prefixOf } from "../store/scoped-store.ts";
import type { Following } from "../store/following.ts";
import { Definitions } from "./definitions.ts";
import type { Gone, GoneDesk, TakeGone } from "./gone-desk.ts";

/** Where the webhooks of all connections are kept: in this store, which other cells follow, or in what is followed. */
export type WebhooksRole =
  | { readonly kind: "home"; readonly desk: GoneDesk }
  | {
      readonly kind: "followed";
      readonly following: Following;
      /** Tells those who keep it; false where they have another form of it by now. */
      readonly tellGone: (gone: Gone) => Promise<boolean>;
    };

/** The same for one tenant. */
export type TenantRole =
  | { readonly kind: "home"; readonly attend: (take: TakeGone) => () => void }
  | {
      readonly kind: "followed";
      readonly definitions: Definitions;
      readonly tellGone: (webhook: string, known: string) => Promise<boolean>;
    };

/** `scope` is the tenant as names of spaces have it. */
export function roleFor(role: WebhooksRole, tenant: string, scope: string | null): TenantRole {
  if (role.kind === "home") return { kind: "home", attend: (take) => role.desk.attend(tenant, take) };
  return {
    kind: "followed",
    definitions: new Definitions(role.following, prefixOf(scope)),
    tellGone: (webhook, known) => role.tellGone({ tenant, webhook, known }),
  };
}
