import { readFileSync } from "node:fs";
import { localAuthority, remoteAuthority, type JwtAuthority } from "./access/jwt-authority.ts";
import { JwtTokens } from "./access/jwt.ts";
import { parseJwtKeys } from "./access/jwt-keys.ts";
import type { AccessDeps } from "./access/access.ts";
import type { Clock } from "./clock.ts";
import { readPrivateFile } from "./private-file.ts";
import { SettingsError, type Settings } from "./settings.ts";

/**
 * How tokens of an identity provider are checked; null where the settings name none.
 *
 * @throws {SettingsError} naming the file of keys that cannot be used
 */
export function readJwt(settings: Settings, clock: Clock): AccessDeps["foreign"] {
  const authority = authorityOf(settings);
  const { jwtIssuer: issuer, jwtAudience: audience } = settings;
  if (authority === null || issuer === null || audience === null) return null;
  const { jwtTenantClaim: tenantClaim, jwtScopeClaim: scopeClaim } = settings;
  const options = { authority, issuer, audience, tenantClaim, scopeClaim, wall: clock.wall };
  return (expiry) => new JwtTokens(options, expiry);
}

function authorityOf({ jwtJwksUrl, jwtKeyFile }: Settings): JwtAuthority | null {
  if (jwtJwksUrl !== null) return remoteAuthority(jwtJwksUrl);
  if (jwtKeyFile === null) return null;
  const refuse = (why: string): never => {
    throw new SettingsError(`CONNACK_JWT_KEY_FILE=${JSON.stringify(jwtKeyFile)}: ${why}`);
  };
  try {
    const keys = parseJwtKeys(readFileSync(jwtKeyFile, "utf8"));
    // Whoever can read a shared secret can make tokens.
    if (keys.secrets.length > 0) readPrivateFile(jwtKeyFile, refuse);
    return localAuthority(keys);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    return refuse(error instanceof Error ? error.message : "cannot be read");
  }
}
