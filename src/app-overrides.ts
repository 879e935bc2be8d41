import type { Principal } from "./access/principal.ts";
import type { Resolve } from "./broker/resolver.ts";
import type { Failure } from "./broker/failure.ts";
import type { Clock } from "./clock.ts";
import type { ClusterStanding } from "./cluster-standing.ts";
import type { EgressPolicy } from "./egress/policy.ts";
import type { NodeTenants } from "./node-tenants.ts";
import type { AccessRole } from "./open-access.ts";
import type { ServerParts } from "./server-parts.ts";
import type { Shares } from "./shares.ts";
import type { OpeningOptions } from "./store/opening.ts";
import type { Store } from "./store/store.ts";
import type { Schedule } from "./webhooks/schedule.ts";

/** Parts that others bring: tests, and a node of a cluster, of which a service is one shard. */
export interface AppOverrides {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly resolve?: Resolve;
  readonly policy?: EgressPolicy;
  readonly store?: Store;
  readonly openStore?: (options: OpeningOptions) => Promise<Store>;
  readonly principal?: Principal;
  readonly shares?: Shares;
  /** What tenants have in all services of the process together, where this one is one of several. */
  readonly tenants?: NodeTenants;
  readonly webhookSchedule?: Schedule;
  /** What connections that come back have to tell, where they come from another node. */
  readonly moved?: Moved | undefined;
  readonly follow?: AccessRole;
  /** Why no attempt is made at present, as where another node may have what is this one's; null where one may be. */
  readonly holdDials?: () => Failure | null;
  /** Where this service is one part of what the process serves, as one shard of many is. */
  readonly parts?: ServerParts;
  /** Null as long as nothing is known of the others. */
  readonly cluster?: () => ClusterStanding | null;
}

/** Where connections come from that another node had. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  readonly cause: string;
}
