import { z } from "zod";
import { topicFilterSchema, userProperties } from "./fields.ts";
import { qosSchema } from "./qos.ts";

/**
 * One subscription (MQTT 5 §3.8.3). `noLocal`, `retainAsPublished`, `retainHandling`, `subscriptionIdentifier`
 * and `userProperties` exist only in version 5.
 */
export const subscriptionSchema = z
  .strictObject({
    topicFilter: topicFilterSchema,
    qos: qosSchema.default(0),
    noLocal: z.boolean().optional(),
    retainAsPublished: z.boolean().optional(),
    retainHandling: z.union([z.literal(0), z.literal(1), z.literal(2)], "expected 0, 1 or 2").optional(),
    subscriptionIdentifier: z
      .int()
      .min(1, "expected 1 to 268435455")
      .max(268_435_455, "expected 1 to 268435455")
      .optional(),
    userProperties: userProperties.optional(),
  })
  .superRefine((subscription, context) => {
    if (subscription.noLocal === true && subscription.topicFilter.startsWith("$share/")) {
      context.addIssue({
        code: "custom",
        path: ["noLocal"],
        message: "is not allowed on a shared subscription (MQTT-3.8.3-4)",
      });
    }
  });

export type Subscription = z.output<typeof subscriptionSchema>;

/** The fields that only version 5 has. */
export const subscriptionFieldsOfVersion5 = [
  "noLocal",
  "retainAsPublished",
  "retainHandling",
  "subscriptionIdentifier",
  "userProperties",
] as const;
