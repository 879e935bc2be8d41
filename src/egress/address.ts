import ipaddr from "ipaddr.js";

/** An address, parsed. */
export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address in any spelling (`127.1`, `0x7f000001`, `fe80::1%eth0`); null where it is none. */
export function parseAddress(text: string): IpAddress | null {
  if (!ipaddr.isValid(text)) return null;
  // An IPv4-compatible address (RFC 4291 §2.5.5.1), which the library would take for a mapped one, and so for another.
  const [, dotted, zone = ""] = /^::(\w+(?:\.\w+){3})(%.*)?$/.exec(text) ?? [];
  if (dotted === undefined) return ipaddr.parse(text);
  const [a = 0, b = 0, c = 0, d = 0] = dotted
    .split(".")
    .map((part) => Number.parseInt(part, part.startsWith("0x") ? 16 : 10));
  return ipaddr.parse(`::${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}${zone}`);
}
