import ipaddr from "ipaddr.js";
import type { IpAddress } from "./address.ts";

/** A network: its first address, and how many leading bits all its addresses share. */
export type Range = readonly [first: IpAddress, bits: number];

/** What is allowed or refused as a whole. Special ranges are of no class. */
export const addressClasses = ["public", "private", "loopback"] as const;
export type AddressClass = (typeof addressClasses)[number];

const ranges = (...texts: readonly string[]): readonly Range[] => texts.map((text) => ipaddr.parseCIDR(text));

const loopback = ranges("127.0.0.0/8", "::1/128");

/** RFC 1918 and unique local addresses (RFC 4193). */
const privateRanges = ranges("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7");

/** What is unicast and allocated: all else of IPv6 is special, or nobody's yet. */
const ordinary = ranges("0.0.0.0/0", "2000::/3");

/** The IANA special-purpose registries (RFC 6890) within those, whatever they say of being globally reachable. */
const special = ranges(
  ...["0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"],
  ...["192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24"],
  ...["203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  // Teredo, benchmarking, ORCHID and the like; documentation; 6to4; AS112; documentation.
  ...["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"],
);

/**
 * Not opened by any setting: what stands for this machine or for many, and the services that hand out credentials to
 * whoever can reach them, on the large clouds.
 */
const never = ranges(
  // Unspecified ("this network", which some systems take for this machine), multicast, broadcast.
  ...["0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32"],
  // Most clouds; Amazon's container and pod credentials; OpenStack, Google, Oracle and Scaleway over IPv6.
  ...["169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::254/128", "fd00:ec2::23/128"],
  ...["fe80::a9fe:a9fe/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128"],
  // Alibaba, Azure, Oracle's first, Scaleway, Tencent, Volcano Engine.
  ...["100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "169.254.42.42/32", "169.254.0.23/32"],
  "100.96.0.96/32",
);

export function contains([first, bits]: Range, address: IpAddress): boolean {
  if (address.kind() === "ipv4")
    return first.kind() === "ipv4" && (address as ipaddr.IPv4).match(first as ipaddr.IPv4, bits);
  return first.kind() === "ipv6" && (address as ipaddr.IPv6).match(first as ipaddr.IPv6, bits);
}

const isIn = (all: readonly Range[], address: IpAddress) => all.some((range) => contains(range, address));

export function isNeverAllowed(address: IpAddress): boolean {
  return isIn(never, address);
}

/** Null for an address of a special range. */
export function classOf(address: IpAddress): AddressClass | null {
  if (isIn(loopback, address)) return "loopback";
  if (isIn(privateRanges, address)) return "private";
  return isIn(ordinary, address) && !isIn(special, address) ? "public" : null;
}
