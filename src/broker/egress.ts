import ipaddr from "ipaddr.js";
import { AttemptError } from "./failure.ts";
import type { Address, Resolve } from "./resolver.ts";

/** Decides where Connack may connect to. Addresses of cloud metadata services are refused whatever is allowed. */
export interface EgressPolicy {
  readonly loopback: boolean;
  /** RFC 1918 and unique local IPv6 addresses. */
  readonly private: boolean;
}

/** The policy of a server that only this machine can reach. */
export const localPolicy: EgressPolicy = { loopback: true, private: true };

/** Services that hand out credentials to whoever can reach them, on the large clouds. */
const metadata = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
]);

/** Whether `policy` lets Connack connect to this address. IPv4 inside IPv6 is judged as what it reaches. */
function isAllowed(policy: EgressPolicy, address: string): boolean {
  // Zones are for link-local addresses, which are refused; on another, one would hide what is compared here.
  if (address.includes("%")) return false;
  const parsed = ipaddr.process(address);
  if (metadata.has(parsed.toString())) return false;
  switch (parsed.range()) {
    case "unicast":
      return !isCompatibleForm(parsed);
    case "loopback":
      return policy.loopback;
    case "private":
    case "uniqueLocal":
      return policy.private;
    default:
      // Unspecified, link-local, multicast, broadcast, carrier NAT, 6to4, Teredo, NAT64, reserved, documentation.
      return false;
  }
}

/** `::a.b.c.d` (RFC 4291 §2.5.5.1, deprecated) would reach an IPv4 address that was never judged. */
function isCompatibleForm(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return (
    address.kind() === "ipv6" &&
    address
      .toByteArray()
      .slice(0, 12)
      .every((byte) => byte === 0)
  );
}

/**
 * Resolves `host` and checks every address; the caller dials one of these and nothing else. One forbidden address
 * refuses the host: a name that mixes them is trying something.
 *
 * @throws {AttemptError} `dns-error`, or `destination-forbidden`, which says the same for every destination
 */
export async function resolveAllowed(
  host: string,
  resolve: Resolve,
  policy: EgressPolicy,
): Promise<readonly Address[]> {
  const addresses = await resolve(host);
  if (addresses.every(({ address }) => isAllowed(policy, address))) return addresses;
  throw new AttemptError({
    stage: "policy",
    code: "destination-forbidden",
    detail: "This server does not connect to that destination",
    retryable: false,
    hint: "Ask the operator of this server whether the destination can be allowed.",
  });
}
