import type { IStore } from "mqtt";

/**
 * In-flight QoS 1 and 2 packets of one session, in memory (MQTT 5 §4.1). They outlive an attempt, because a broker
 * that kept the session expects them to.
 */
export interface PacketStore {
  readonly incoming: IStore;
  readonly outgoing: IStore;
  /** Forgets all, when the broker did not keep the session. */
  clear(): void;
}
