import type { RequestContext } from "../app.ts";

/** All shards of the cluster, wherever they are: each is a whole service, which one node at a time owns. */
export interface Cells {
  readonly shards: number;
  /**
   * Has the cell answer, in this process or by its owner.
   *
   * @throws {Problem} `no-owner` where nobody has it within the time that a call may wait, and, with `duplicatePossible`,
   * where its owner was lost in the middle
   */
  call(shard: number, request: Request, context?: RequestContext): Promise<Response>;
  /** All shards that may have connections, in an order in which a new connection is best placed: those of the least loaded node first. */
  placement(): readonly number[];
  /** Whether this process has it. */
  isLocal(shard: number): boolean;
}
