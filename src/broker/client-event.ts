import type { Connack } from "./connack.ts";
import type { Violation } from "./guard.ts";

/** What one client tells its owner, in the order in which it happened; `closed` is last, and comes exactly once. */
export type ClientEvent =
  | { readonly type: "connack"; readonly connack: Connack }
  /** In-flight packets of the session were sent again; SUBSCRIBE and PUBLISH may go out. */
  | { readonly type: "ready" }
  | { readonly type: "pong" }
  | {
      readonly type: "disconnect";
      readonly reasonCode: number;
      readonly reasonString: string | null;
      readonly serverReference: string | null;
    }
  /** The broker broke the protocol, and `closed` follows. `told`: a DISCONNECT with the code goes out (5, after CONNACK). */
  | { readonly type: "violation"; readonly violation: Violation; readonly told: boolean }
  | { readonly type: "closed"; readonly error: unknown };

/** The answer to one subscription of a SUBSCRIBE: the SUBACK's reason code, and its texts. */
export interface SubscribeResult {
  readonly reasonCode: number;
  readonly reasonString: string | null;
}

export interface DisconnectOptions {
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number | undefined;
}
