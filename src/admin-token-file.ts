import { readPrivateFile } from "./private-file.ts";
import type { Secret } from "./secret.ts";
import { parseAdminToken } from "./admin-token.ts";
import { SettingsError, type Settings } from "./settings.ts";

/**
 * The token of the first operator: that of `CONNACK_ADMIN_TOKEN`, or all that is in `CONNACK_ADMIN_TOKEN_FILE` but the
 * white space around it. Null where neither is set.
 *
 * @throws {SettingsError} naming the file, and never what is in it
 */
export function readAdminToken({
  adminToken,
  adminTokenFile,
}: Pick<Settings, "adminToken" | "adminTokenFile">): Secret | null {
  if (adminTokenFile === null) return adminToken;
  const refuse = (why: string): never => {
    throw new SettingsError(`CONNACK_ADMIN_TOKEN_FILE=${JSON.stringify(adminTokenFile)}: ${why}`);
  };
  const parsed = parseAdminToken(readPrivateFile(adminTokenFile, refuse).trim());
  return parsed.ok ? parsed.token : refuse(parsed.detail);
}
