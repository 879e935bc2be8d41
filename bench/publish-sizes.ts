import type { TurnSizes } from "./turns.ts";

export interface PublishSizes extends TurnSizes {
  /** Keep-alive connections that publish. */
  readonly callers: number;
  /** Other connections of Connack that are open. */
  readonly connections: number;
  /** Which figures; all when it is empty. */
  readonly only: readonly string[];
  readonly against: string | undefined;
}
