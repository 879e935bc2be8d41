import type ipaddr from "ipaddr.js";
import { parseAddress, type IpAddress } from "./address.ts";
import { embeddedIn } from "./embedded.ts";
import { isAbout, normalHost, type EgressEntry } from "./entries.ts";
import type { OwnAddresses } from "./own-addresses.ts";
import { classOf, isNeverAllowed, type AddressClass } from "./ranges.ts";

/** Decides where Connack may connect to. */
export interface EgressPolicy {
  /**
   * Whether this port of this address may be dialled for `host`, which is a name that led to the address, or the address
   * itself in any spelling.
   */
  check(host: string, port: number, address: string): boolean;
}

/** What an operator says of it. */
export interface EgressLists {
  readonly allow: readonly EgressEntry[];
  readonly deny: readonly EgressEntry[];
}

export interface EgressPolicyOptions extends EgressLists {
  /** Whether there is no access control, so that only this machine can reach the server. */
  readonly isOpen: boolean;
  readonly own: Pick<OwnAddresses, "has">;
}

/**
 * Which destinations are allowed, by these rules, of which the first that applies decides:
 *
 * 1. Never: addresses of cloud metadata services, unspecified ones, multicast, broadcast, and where this server listens.
 * 2. What a DENY entry names (an address, a network, a name, a pattern, a port) is refused.
 * 3. Bare ports in ALLOW (`:8883`) are the only ones, but for what an ALLOW entry with a port of its own names.
 * 4. An address or network in ALLOW opens what is in it, special ranges included. A host name opens the public, private
 *    and loopback addresses that it leads to; a pattern only the public and private ones, for whoever runs one of many
 *    subdomains could point it at this machine.
 * 5. Words are for classes of addresses: `private` (RFC 1918, unique local), `loopback` (127.0.0.0/8, ::1), `public`
 *    (other unicast that is not special). Without access control all three are allowed, with it `public` is; words in
 *    ALLOW add to that, and words in DENY take away, from whichever.
 * 6. All else is refused.
 *
 * IPv4 addresses within IPv6 ones are no way around: mapped ones (`::ffff:a.b.c.d`) are judged as IPv4. Compatible,
 * translated, NAT64, 6to4 and Teredo addresses are special ranges, and where a network in ALLOW opens one, the IPv4
 * address in it must be allowed as well.
 */
export function createEgressPolicy({ allow, deny, isOpen, own }: EgressPolicyOptions): EgressPolicy {
  const classes = allowedClasses({ allow, deny }, isOpen);
  const ports = new Set(
    allow.flatMap(({ target, port }) => (target.kind === "any" && port !== null ? [port] : [])),
  );

  const isAllowed = (host: string, port: number, given: IpAddress): boolean => {
    const address = given.kind() === "ipv6" ? unmapped(given as ipaddr.IPv6) : given;
    if (isNeverAllowed(address) || own.has(address, port)) return false;
    // Both forms of a mapped address: a network may name either.
    if (deny.some((entry) => [given, address].some((form) => isAbout(entry, host, port, form)))) return false;
    if (!embeddedIn(address).every((ipv4) => isAllowed(host, port, ipv4))) return false;
    const kind = classOf(address);
    const opening = allow.filter((entry) => opens(entry, kind) && isAbout(entry, host, port, address));
    if (opening.some((entry) => entry.port !== null)) return true;
    if (ports.size > 0 && !ports.has(port)) return false;
    return opening.length > 0 || (kind !== null && classes.has(kind));
  };

  return {
    check: (host, port, text) => {
      const address = readAddress(text);
      return address !== null && isAllowed(normalHost(host), port, address);
    },
  };
}

function allowedClasses({ allow, deny }: EgressLists, isOpen: boolean): ReadonlySet<AddressClass> {
  const named = (entries: readonly EgressEntry[]) =>
    entries.flatMap(({ target }) => (target.kind === "class" ? [target.name] : []));
  const byDefault: readonly AddressClass[] = isOpen ? ["public", "private", "loopback"] : ["public"];
  const denied = named(deny);
  return new Set([...byDefault, ...named(allow)].filter((name) => !denied.includes(name)));
}

/** Whether an entry of ALLOW can open an address of this class (null: of a special range) that it is about. */
function opens({ target }: EgressEntry, kind: AddressClass | null): boolean {
  if (target.kind === "addresses") return true;
  if (target.kind === "host") return kind !== null;
  return target.kind === "pattern" && (kind === "public" || kind === "private");
}

function unmapped(address: ipaddr.IPv6): IpAddress {
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Zones are for link-local addresses, which are judged without; on another, one would hide what is compared here. */
function readAddress(text: string): IpAddress | null {
  const [bare = "", zone] = text.split("%");
  const address = parseAddress(bare);
  return zone === undefined || address?.range() === "linkLocal" ? address : null;
}
