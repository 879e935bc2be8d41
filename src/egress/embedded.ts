import ipaddr from "ipaddr.js";
import type { IpAddress } from "./address.ts";

/** Bytes of an IPv6 address that may be an IPv4 address. */
type Reading = readonly [number, number, number, number];

interface Form {
  readonly range: [ipaddr.IPv6, number];
  readonly readings: readonly Reading[];
  /** Whether the bytes are stored inverted. */
  readonly inverted?: boolean;
}

const last: Reading = [12, 13, 14, 15];
const range = (text: string): [ipaddr.IPv6, number] => ipaddr.IPv6.parseCIDR(text);

/** IPv6 addresses that are reached by way of an IPv4 address within them. Mapped ones are taken as IPv4 altogether. */
const forms: readonly Form[] = [
  // IPv4-compatible (RFC 4291 §2.5.5.1) and IPv4-translated (RFC 2765 §2.1).
  { range: range("::/96"), readings: [last] },
  { range: range("::ffff:0:0:0/96"), readings: [last] },
  // NAT64 (RFC 6052 §2.1).
  { range: range("64:ff9b::/96"), readings: [last] },
  // NAT64 of a network's own (RFC 8215): which of the lengths of RFC 6052 §2.2 it has is not to be seen.
  { range: range("64:ff9b:1::/48"), readings: [last, [6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12]] },
  // 6to4 (RFC 3056 §2).
  { range: range("2002::/16"), readings: [[2, 3, 4, 5]] },
  // Teredo (RFC 4380 §4): the server; the client below.
  { range: range("2001::/32"), readings: [[4, 5, 6, 7]] },
  { range: range("2001::/32"), readings: [last], inverted: true },
];

/**
 * The IPv4 addresses that an IPv6 address may lead to; none where it leads to itself. Where its form leaves open which
 * it is, all that it may be; readings of 0.0.0.0/8, which nothing leads to, only where there is no other.
 */
export function embeddedIn(address: IpAddress): readonly ipaddr.IPv4[] {
  if (address.kind() === "ipv4") return [];
  const ipv6 = address as ipaddr.IPv6;
  if (ipv6.range() === "loopback" || ipv6.range() === "unspecified") return [];
  const bytes = ipv6.toByteArray();
  return forms
    .filter((form) => ipv6.match(form.range))
    .flatMap(({ readings, inverted = false }) => {
      const all = readings.map((places) => places.map((at) => (bytes[at] ?? 0) ^ (inverted ? 0xff : 0)));
      const likely = all.filter(([first]) => first !== 0);
      return (likely.length > 0 ? likely : all).map((four) => new ipaddr.IPv4(four));
    });
}
