import { lookup, Resolver as NameServerClient } from "node:dns/promises";
import { parseAddress } from "../egress/address.ts";
import { AttemptError, errorCode } from "./failure.ts";

/** One address of a host. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Turns a host into its addresses, in the order in which they are to be tried; at least one. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

/**
 * Resolves by the system (hosts file, name services), or by `servers` alone where given (`10.0.0.2`, `[fd00::1]:5353`).
 * Addresses in any spelling (`127.1`, `0x7f000001`) are taken as what they mean, without a look-up.
 *
 * @throws {AttemptError} `dns-error`
 */
export function createResolver(servers: readonly string[]): Resolve {
  const bySystem: Resolve = async (host) => {
    const found = await lookup(host, { all: true, verbatim: true });
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  };
  const ask = servers.length === 0 ? bySystem : askServers(servers);
  return async (host) => {
    const literal = literalAddress(host);
    if (literal !== null) return [literal];
    let found: readonly Address[];
    try {
      found = await ask(host);
    } catch (error) {
      throw new AttemptError(dnsFailure(host, errorCode(error)));
    }
    if (found.length === 0) throw new AttemptError(dnsFailure(host, "ENODATA"));
    return found;
  };
}

const loopback: readonly Address[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

function askServers(servers: readonly string[]): Resolve {
  return async (host) => {
    // Not for name servers (RFC 6761 §6.3); one runtime would ask them, and another would not.
    if (/^(.+\.)?localhost\.?$/i.test(host)) return loopback;
    const client = new NameServerClient({ timeout: 2_000, tries: 3 });
    client.setServers([...servers]);
    const [v6, v4] = await Promise.allSettled([client.resolve6(host), client.resolve4(host)]);
    const addresses: Address[] = [
      ...(v6.status === "fulfilled" ? v6.value : []).map((address) => ({ address, family: 6 as const })),
      ...(v4.status === "fulfilled" ? v4.value : []).map((address) => ({ address, family: 4 as const })),
    ];
    if (addresses.length === 0 && v4.status === "rejected") throw v4.reason;
    return addresses;
  };
}

function literalAddress(host: string): Address | null {
  const parsed = parseAddress(host);
  return parsed && { address: parsed.toString(), family: parsed.kind() === "ipv6" ? 6 : 4 };
}

function dnsFailure(host: string, code: string) {
  const missing = code === "ENOTFOUND" || code === "ENODATA" || code === "NOTFOUND" || code === "NODATA";
  return {
    stage: "dns",
    code: "dns-error",
    detail: missing
      ? `Resolving ${host}: no such name, or no address for it`
      : `Resolving ${host}: the name service failed (${code || "unknown"})`,
    retryable: true,
    ...(missing ? { retryableNow: false } : {}),
    hint: missing ? "Check the spelling of the host name." : "Check the name servers that this server uses.",
  } as const;
}
