import { z } from "zod";

/** Quality of Service level (MQTT 5 §4.3): 0 at most once, 1 at least once, 2 exactly once. */
export type QoS = 0 | 1 | 2;

export const qosSchema = z.union([z.literal(0), z.literal(1), z.literal(2)], "expected 0, 1 or 2");
