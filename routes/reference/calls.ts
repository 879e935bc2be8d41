import type { Calls } from "./call.ts";
import { accessCalls } from "./calls-access.ts";
import { connectionCalls } from "./calls-connections.ts";
import { publishingCalls } from "./calls-publishing.ts";
import { readingCalls } from "./calls-reading.ts";
import { serviceCalls } from "./calls-service.ts";
import { webhookCalls } from "./calls-webhooks.ts";

/** Every call that there is: one that is not served, or is not here, fails a test. */
export const calls: Calls = {
  ...connectionCalls,
  ...publishingCalls,
  ...readingCalls,
  ...webhookCalls,
  ...accessCalls,
  ...serviceCalls,
};
