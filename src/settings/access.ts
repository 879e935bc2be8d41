import { z } from "zod";
import { parseAdminToken } from "../admin-token.ts";
import type { Secret } from "../secret.ts";
import { setting, type Setting } from "./setting.ts";

const adminToken = z.string().transform((text, context): Secret | null => {
  const parsed = parseAdminToken(text);
  if (parsed.ok) return parsed.token;
  context.addIssue({ code: "custom", message: parsed.detail });
  return z.NEVER;
});

const fileName = z.string().min(1, "expected the name of a file").max(4_096);

/** Who may call. */
export const accessSettings = {
  ADMIN_TOKEN: {
    ...setting<Secret | null>(
      adminToken,
      null,
      "A token with every scope, of the tenant `default`: at least 32 visible ASCII characters (`openssl rand -hex 32`). Turns access control on.",
      "none",
    ),
    secret: true,
  },
  ADMIN_TOKEN_FILE: setting<string | null>(
    fileName,
    null,
    "Instead of that, a file with such a token. Only its owner may have permissions on it (`chmod 600`).",
    "none",
  ),
} satisfies Record<string, Setting<unknown>>;
