import { isLoopback, type Settings } from "../settings.ts";

/** What holds for calls that come from somebody's browser. */
export interface BrowserRules {
  /** Names that `Host` may have besides loopback ones, in lower case; null where it may have any. */
  readonly hosts: ReadonlySet<string> | null;
  /** Where the service is reached from outside, as browsers write an origin; null where only `Host` tells. */
  readonly publicOrigin: string | null;
  /** Whose pages may call, as browsers write origins. */
  readonly corsOrigins: ReadonlySet<string>;
}

/**
 * On loopback, `Host` is always checked: who calls there need not say who they are, and a page could have its own name
 * point here. On other addresses every caller has a token, which no such page knows, and the names are the operator's to
 * give; where one is given, the others are refused.
 */
export function browserRules({
  host,
  allowedHosts,
  publicUrl,
  corsOrigins,
}: Pick<Settings, "host" | "allowedHosts" | "publicUrl" | "corsOrigins">): BrowserRules {
  const named = [...allowedHosts, ...(publicUrl === null ? [] : [hostName(new URL(publicUrl).host)])];
  const isChecked = isLoopback(host) || named.length > 0;
  return {
    hosts: isChecked ? new Set(named.map((name) => name.toLowerCase())) : null,
    publicOrigin: publicUrl,
    corsOrigins: new Set(corsOrigins),
  };
}

/** Of a `Host`: in lower case, without port, and without the brackets of an IPv6 address. */
export function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}
