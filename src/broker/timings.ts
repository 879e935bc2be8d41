/** Milliseconds that each stage took; null for one that was not needed or not reached. */
export interface Timings {
  readonly dnsMs: number | null;
  readonly tcpMs: number | null;
  readonly tlsMs: number | null;
  readonly wsMs: number | null;
  readonly connackMs: number | null;
}

export const noTimings: Timings = { dnsMs: null, tcpMs: null, tlsMs: null, wsMs: null, connackMs: null };

/** By the stages that take time. */
export const timingNames = {
  dns: "dnsMs",
  tcp: "tcpMs",
  tls: "tlsMs",
  websocket: "wsMs",
  connack: "connackMs",
} as const;
