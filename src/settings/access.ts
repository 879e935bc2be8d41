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

const claimValue = z.string().min(1, "expected at least one character").max(1_024);

/** Over plain HTTP, whoever is in between could give keys of his own. */
const keysUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && isProtected(new URL(text)),
    "expected an https URL, or an http one of this machine, without a user name",
  );

function isProtected({ protocol, hostname, username, password }: URL): boolean {
  if (username !== "" || password !== "") return false;
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
  );
}

/** Who may call, and what may be called for them. */
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
  JWT_JWKS_URL: {
    ...setting<string | null>(
      keysUrl,
      null,
      "Where the keys (JWKS) are that tokens (JWT) of your identity provider are signed with. Turns access control on.",
      "none",
    ),
    // A wrong one may have a password in it.
    secret: true,
  },
  JWT_KEY_FILE: setting<string | null>(
    fileName,
    null,
    "Instead of that, a file with a public key in PEM, a JWK or a JWKS; also with a shared secret for HS256 (a JWK of type `oct`), and then with permissions for its owner only.",
    "none",
  ),
  JWT_ISSUER: setting<string | null>(claimValue, null, "What their claim `iss` must be.", "none"),
  JWT_AUDIENCE: setting<string | null>(
    claimValue,
    null,
    "What their claim `aud` must be, or have among others.",
    "none",
  ),
  JWT_TENANT_CLAIM: setting(
    claimValue,
    "tenant",
    "The claim that names the tenant; without it, a token is refused.",
  ),
  JWT_SCOPE_CLAIM: setting(
    claimValue,
    "scope",
    "The claim that has the scopes: an array, or a text with spaces. Unknown ones are ignored.",
  ),
} satisfies Record<string, Setting<unknown>>;
