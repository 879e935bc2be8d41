import { accessSettings } from "./settings/access.ts";
import { clusterSettings } from "./settings/cluster.ts";
import { browserSettings } from "./settings/browsers.ts";
import { egressSettings } from "./settings/egress.ts";
import { limitSettings } from "./settings/limits.ts";
import { serviceSettings } from "./settings/service.ts";
import type { Setting } from "./settings/setting.ts";
import { totalSettings } from "./settings/totals.ts";

export type { StoreSetting } from "./settings/forms.ts";

/** Every setting, in the order in which the README lists them. Names are those of the environment, without `CONNACK_`. */
export const settingsTable = {
  ...serviceSettings,
  ...browserSettings,
  ...accessSettings,
  ...egressSettings,
  ...clusterSettings,
  ...totalSettings,
  ...limitSettings,
};

type Table = typeof settingsTable;
type Camel<S extends string> = S extends `${infer A}_${infer B}`
  ? `${Lowercase<A>}${Capitalize<Camel<B>>}`
  : Lowercase<S>;
/** All settings, by their camelCase names: `CONNACK_MAX_STREAMS` is `maxStreams`. */
export type Settings = {
  readonly [K in keyof Table as Camel<K>]: Table[K] extends Setting<infer T> ? T : never;
};

/** Why the settings cannot be used: one line each, naming the setting. */
export class SettingsError extends Error {}

/** `MAX_STREAMS` → `maxStreams`. */
export function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase());
}

/**
 * Reads the settings from the environment, over those of a configuration file (same names, camelCase, no prefix).
 *
 * @throws {SettingsError} naming every unknown `CONNACK_` variable and every value that does not fit
 */
export function parseSettings(
  environment: Readonly<Record<string, string | undefined>>,
  file: unknown = {},
): Settings {
  const wrong: string[] = [];
  const fromFile = readFile(file, wrong);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settingsTable) as [string, Setting<unknown>][]) {
    const key = camelCase(name);
    const text = environment[`CONNACK_${name}`] ?? fromFile.get(key);
    const parsed = text === undefined ? undefined : setting.schema.safeParse(text);
    if (parsed && !parsed.success) {
      const why = parsed.error.issues.map((issue) => issue.message).join("; ");
      wrong.push(`CONNACK_${name}${isSecret(setting, text) ? "" : `=${JSON.stringify(text)}`}: ${why}`);
    }
    values[key] = parsed?.success ? parsed.data : setting.fallback;
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith("CONNACK_") && !Object.hasOwn(settingsTable, name.slice(8)))
      wrong.push(`${name}: no such setting`);
  }
  const settings = values as Settings;
  if (settings.secretKey.length > 0 && settings.secretKeyFile !== null)
    wrong.push("CONNACK_SECRET_KEY and CONNACK_SECRET_KEY_FILE: only one of them can be set");
  if (settings.adminToken !== null && settings.adminTokenFile !== null)
    wrong.push("CONNACK_ADMIN_TOKEN and CONNACK_ADMIN_TOKEN_FILE: only one of them can be set");
  wrong.push(...wrongAboutJwt(settings));
  if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
  return settings;
}

function wrongAboutJwt({ jwtJwksUrl, jwtKeyFile, jwtIssuer, jwtAudience }: Settings): string[] {
  if (jwtJwksUrl !== null && jwtKeyFile !== null)
    return ["CONNACK_JWT_JWKS_URL and CONNACK_JWT_KEY_FILE: only one of them can be set"];
  const all = [jwtJwksUrl ?? jwtKeyFile, jwtIssuer, jwtAudience];
  if (all.every((each) => each === null) || all.every((each) => each !== null)) return [];
  return [
    "CONNACK_JWT_JWKS_URL or CONNACK_JWT_KEY_FILE, CONNACK_JWT_ISSUER, and CONNACK_JWT_AUDIENCE: all of them are needed, or none",
  ];
}

function readFile(file: unknown, wrong: string[]): Map<string, string> {
  const entries = new Map<string, string>();
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    wrong.push("the configuration file must hold one JSON object");
    return entries;
  }
  const known = new Set(Object.keys(settingsTable).map(camelCase));
  for (const [key, value] of Object.entries(file)) {
    if (!known.has(key)) wrong.push(`${key}: no such setting (in the configuration file)`);
    else if (Array.isArray(value)) entries.set(key, value.join(","));
    else entries.set(key, String(value));
  }
  return entries;
}

/** Whether a listening address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isSecret({ secret = false }: Setting<unknown>, text: unknown): boolean {
  return typeof secret === "function" ? secret(text) : secret;
}
