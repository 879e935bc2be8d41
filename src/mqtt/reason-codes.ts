/** The packets that carry a reason code (MQTT 5 §2.4), in lower case. */
export type ReasonPacket =
  | "connack"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "suback"
  | "unsuback"
  | "disconnect"
  | "auth";

type Row = readonly [code: number, name: string, packets: readonly ReasonPacket[]];

/** MQTT 5 §2.4, Table 2-6: every reason code with the standard's name and the packets that may carry it. */
export const reasonCodes: readonly Row[] = [
  [0x00, "Success", ["connack", "puback", "pubrec", "pubrel", "pubcomp", "unsuback", "auth"]],
  [0x00, "Normal disconnection", ["disconnect"]],
  [0x00, "Granted QoS 0", ["suback"]],
  [0x01, "Granted QoS 1", ["suback"]],
  [0x02, "Granted QoS 2", ["suback"]],
  [0x04, "Disconnect with Will Message", ["disconnect"]],
  [0x10, "No matching subscribers", ["puback", "pubrec"]],
  [0x11, "No subscription existed", ["unsuback"]],
  [0x18, "Continue authentication", ["auth"]],
  [0x19, "Re-authenticate", ["auth"]],
  [0x80, "Unspecified error", ["connack", "puback", "pubrec", "suback", "unsuback", "disconnect"]],
  [0x81, "Malformed Packet", ["connack", "disconnect"]],
  [0x82, "Protocol Error", ["connack", "disconnect"]],
  [
    0x83,
    "Implementation specific error",
    ["connack", "puback", "pubrec", "suback", "unsuback", "disconnect"],
  ],
  [0x84, "Unsupported Protocol Version", ["connack"]],
  [0x85, "Client Identifier not valid", ["connack"]],
  [0x86, "Bad User Name or Password", ["connack"]],
  [0x87, "Not authorized", ["connack", "puback", "pubrec", "suback", "unsuback", "disconnect"]],
  [0x88, "Server unavailable", ["connack"]],
  [0x89, "Server busy", ["connack", "disconnect"]],
  [0x8a, "Banned", ["connack"]],
  [0x8b, "Server shutting down", ["disconnect"]],
  [0x8c, "Bad authentication method", ["connack", "disconnect"]],
  [0x8d, "Keep Alive timeout", ["disconnect"]],
  [0x8e, "Session taken over", ["disconnect"]],
  [0x8f, "Topic Filter invalid", ["suback", "unsuback", "disconnect"]],
  [0x90, "Topic Name invalid", ["connack", "puback", "pubrec", "disconnect"]],
  [0x91, "Packet Identifier in use", ["puback", "pubrec", "suback", "unsuback"]],
  [0x92, "Packet Identifier not found", ["pubrel", "pubcomp"]],
  [0x93, "Receive Maximum exceeded", ["disconnect"]],
  [0x94, "Topic Alias invalid", ["disconnect"]],
  [0x95, "Packet too large", ["connack", "disconnect"]],
  [0x96, "Message rate too high", ["disconnect"]],
  [0x97, "Quota exceeded", ["connack", "puback", "pubrec", "suback", "disconnect"]],
  [0x98, "Administrative action", ["disconnect"]],
  [0x99, "Payload format invalid", ["connack", "puback", "pubrec", "disconnect"]],
  [0x9a, "Retain not supported", ["connack", "disconnect"]],
  [0x9b, "QoS not supported", ["connack", "disconnect"]],
  [0x9c, "Use another server", ["connack", "disconnect"]],
  [0x9d, "Server moved", ["connack", "disconnect"]],
  [0x9e, "Shared Subscriptions not supported", ["suback", "disconnect"]],
  [0x9f, "Connection rate exceeded", ["connack", "disconnect"]],
  [0xa0, "Maximum connect time", ["disconnect"]],
  [0xa1, "Subscription Identifiers not supported", ["suback", "disconnect"]],
  [0xa2, "Wildcard Subscriptions not supported", ["suback", "disconnect"]],
];

/** The refusing return codes of a 3.x CONNACK (MQTT 3.1.1 §3.2.2.3, Table 3.1) under their MQTT 5 names. */
export const v3ConnackNames: Readonly<Record<number, string>> = {
  1: "Unsupported Protocol Version",
  2: "Client Identifier not valid",
  3: "Server unavailable",
  4: "Bad User Name or Password",
  5: "Not authorized",
};

/** The return codes of a 3.x SUBACK (MQTT 3.1.1 §3.9.3); 0x80, "Failure" there, is "Unspecified error" in MQTT 5. */
export const v3SubackCodes: readonly number[] = [0x00, 0x01, 0x02, 0x80];
