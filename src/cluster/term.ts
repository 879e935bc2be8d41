/** Why a node takes what another one had, or nobody. */
export type ClaimCause = "start" | "handover" | "node-lost" | "lapsed";

export interface Claim {
  /** The record that the claim is to follow: when anything has been written since, it fails. */
  readonly after: number;
  readonly cause: ClaimCause;
  /** Who had it; null at the very first start. */
  readonly from: string | null;
}

/** What a node does with a shard for as long as it owns it. */
export interface Term {
  /** Ends; everything that it holds open is closed then. In a hurry, the other ends are not waited for. */
  close(inHurry: boolean): Promise<void>;
}

/** What a node is to a shard at this moment. */
export type ShardStanding =
  | { readonly role: "standby" }
  /** It has taken over, or tries to, and brings back what there is. */
  | { readonly role: "claiming"; readonly claim: Claim }
  | { readonly role: "owner"; readonly claim: Claim; readonly since: number; readonly term: Term }
  /** What it held is being closed. */
  | { readonly role: "leaving" };
