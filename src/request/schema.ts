import { isIP } from "node:net";
import { z } from "zod";
import { binaryData, base64, utf8String } from "../mqtt/fields.ts";
import { connectPropertiesSchema } from "../mqtt/properties.ts";
import { subscriptionSchema, type Subscription } from "../mqtt/subscription.ts";
import { willSchema } from "../mqtt/will.ts";
import { tlsSchema } from "./tls-options.ts";

const milliseconds = (least: number, most: number) =>
  z
    .int("expected a whole number of milliseconds")
    .min(least, `expected ${least} to ${most}`)
    .max(most, `expected ${least} to ${most}`);

const reservedHeaders = new Set([
  "host",
  "upgrade",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
]);

const websocketHeaders = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "expected an HTTP header name"),
    z
      .string()
      .max(8_192)
      .regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, "expected a header value without line ends"),
  )
  .superRefine((headers, context) => {
    if (Object.keys(headers).length > 32)
      context.addIssue({ code: "custom", message: "expected at most 32 headers" });
    for (const name of Object.keys(headers)) {
      if (reservedHeaders.has(name.toLowerCase()) || /^sec-websocket-/i.test(name)) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: "is set by the WebSocket handshake itself",
        });
      }
    }
  });

const messageLog = z.strictObject({
  messages: z.int().min(0).max(1_000_000, "expected 0 to 1000000").default(1_000),
  bytes: z.int().min(0).max(1_073_741_824, "expected 0 to 1073741824").default(4_194_304),
  durable: z.boolean().default(false),
});

const reconnect = z
  .strictObject({
    enabled: z.boolean().default(true),
    minDelayMs: milliseconds(10, 3_600_000).default(1_000),
    maxDelayMs: milliseconds(10, 3_600_000).default(60_000),
    maxAttempts: z.int().min(1, "expected 1 or more, or null").nullable().default(null),
  })
  .refine((r) => r.minDelayMs <= r.maxDelayMs, {
    path: ["minDelayMs"],
    message: "must not be greater than maxDelayMs",
  });

/**
 * What an empty `schema` gives stands where the field is absent: one frozen value for all requests, which are many and
 * mostly leave it out.
 */
function whenAbsent<T extends z.ZodType<object>>(schema: T, empty: z.input<T>) {
  const shared = Object.freeze(schema.parse(empty)) as z.output<T>;
  return schema.default(() => shared as z.util.NoUndefined<z.output<T>>);
}

/** The connection id: also in paths and file names, so a small alphabet. */
export const connectionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,64}$/, "expected 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -")
  .refine((id) => id !== "." && id !== "..", "must not be . or ..");

const labelName = z
  .string()
  .regex(/^[A-Za-z0-9._/-]{1,63}$/, "expected 1 to 63 of the characters A-Z a-z 0-9 . _ / -");

/** Labels, for filtering lists. */
export const labelsSchema = z
  .record(labelName, utf8String.max(256))
  .refine((all) => Object.keys(all).length <= 16, "expected at most 16 labels");

/** A filter is one subscription in a session (MQTT 5 §3.8.4): a second one would replace the first. */
function eachFilterOnce(subscriptions: readonly Subscription[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { topicFilter }] of subscriptions.entries()) {
    if (seen.has(topicFilter)) {
      context.addIssue({
        code: "custom",
        path: [index, "topicFilter"],
        message: "stands in another subscription already",
      });
    }
    seen.add(topicFilter);
  }
}

/** The connection request as it stands in a body, field by field; what fields mean together is checked after. */
export const requestFields = z.strictObject({
  id: connectionIdSchema.optional(),
  url: z.string().min(1, "expected a URL").max(8_192).optional(),
  host: z.string().max(1_024).optional(),
  port: z
    .int("expected a whole number from 1 to 65535")
    .min(1, "expected 1 to 65535")
    .max(65_535, "expected 1 to 65535")
    .optional(),
  transport: z.enum(["tcp", "tls", "ws", "wss"]).optional(),
  path: z
    .string()
    .max(8_192)
    .regex(/^\/[\u0021-\u007e]*$/, "expected a path that begins with / and has no spaces")
    .optional(),
  protocolVersion: z.enum(["3.1", "3.1.1", "5", "auto"]).default("5"),
  clientId: utf8String.optional(),
  cleanStart: z.boolean().default(true),
  keepAlive: z
    .int("expected a whole number of seconds")
    .min(0, "expected 0 to 65535")
    .max(65_535, "expected 0 to 65535")
    .default(60),
  username: utf8String.optional(),
  password: z.string().max(131_072).optional(),
  passwordEncoding: z.enum(["utf8", "base64"]).default("utf8"),
  bindAddress: z
    .string()
    .refine((text) => isIP(text) !== 0, "expected an IPv4 or IPv6 address of this machine")
    .optional(),
  will: willSchema.optional(),
  properties: connectPropertiesSchema.optional(),
  tls: tlsSchema.optional(),
  websocket: z
    .strictObject({
      headers: websocketHeaders.optional(),
      protocol: z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, "expected a WebSocket subprotocol")
        .default("mqtt"),
    })
    .optional(),
  connectTimeoutMs: milliseconds(100, 60_000).default(10_000),
  reconnect: whenAbsent(reconnect, {}),
  subscriptions: whenAbsent(
    z.array(subscriptionSchema).max(1_000, "expected at most 1000 subscriptions").superRefine(eachFilterOnce),
    [],
  ),
  log: whenAbsent(messageLog, {}),
  idleTtlMs: milliseconds(1_000, 2_592_000_000).nullable().default(null),
  /** Absent, the call decides: PUT is durable where that can be promised. */
  durable: z.boolean().optional(),
  labels: whenAbsent(labelsSchema, {}),
});

export type RequestFields = z.output<typeof requestFields>;

/** New credentials for POST …/reconnect. */
export const reconnectFields = z.strictObject({
  username: utf8String.optional(),
  password: z.string().max(131_072).optional(),
  passwordEncoding: z.enum(["utf8", "base64"]).default("utf8"),
  tls: tlsSchema.optional(),
});

/** The password's bytes, or null where the encoding does not fit. MQTT passwords are Binary Data (§3.1.3.6). */
export function passwordBytes(password: string, encoding: "utf8" | "base64"): Buffer | null {
  const parsed = encoding === "utf8" ? binaryData.safeParse(password) : base64.safeParse(password);
  return parsed.success && parsed.data.length <= 65_535 ? parsed.data : null;
}
