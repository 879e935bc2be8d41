import { accessSchemas } from "./access-schemas.ts";
import { commonSchemas } from "./common-schemas.ts";
import { connectionSchemas } from "./connection-schemas.ts";
import { messageSchemas } from "./message-schemas.ts";
import { webhookSchemas } from "./webhook-schemas.ts";

/** What answers are made of, by the names that the reference has for it. */
export const answerSchemas = {
  ...commonSchemas,
  ...connectionSchemas,
  ...messageSchemas,
  ...webhookSchemas,
  ...accessSchemas,
};

export type SchemaName = keyof typeof answerSchemas;
