/** The MQTT versions that a connection can speak, written as people write them. */
export type ProtocolVersion = "3.1" | "3.1.1" | "5";

const levels = { "3.1": 3, "3.1.1": 4, "5": 5 } as const;

/** The Protocol Version byte of CONNECT (MQTT 5 §3.1.2.2; "Protocol Level" in MQTT 3.1.1 §3.1.2.2). */
export function protocolLevel(version: ProtocolVersion): 3 | 4 | 5 {
  return levels[version];
}

/** The Protocol Name of CONNECT (MQTT 5 and 3.1.1 §3.1.2.1); version 3.1 still had the older one. */
export function protocolName(version: ProtocolVersion): "MQIsdp" | "MQTT" {
  return version === "3.1" ? "MQIsdp" : "MQTT";
}
