import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { parseAddress, type IpAddress } from "./address.ts";
import { addressClasses, contains, type AddressClass, type Range } from "./ranges.ts";

/** What an entry is about; `any` is all that has its port. */
export type EgressTarget =
  | { readonly kind: "any" }
  | { readonly kind: "class"; readonly name: AddressClass }
  | { readonly kind: "addresses"; readonly range: Range }
  | { readonly kind: "host"; readonly name: string }
  /** `*.example.com`: `suffix` is `.example.com`. */
  | { readonly kind: "pattern"; readonly suffix: string };

/** One entry of `CONNACK_EGRESS_ALLOW` or `CONNACK_EGRESS_DENY`. */
export interface EgressEntry {
  readonly target: EgressTarget;
  /** Null where it is about every port. */
  readonly port: number | null;
}

export type ParsedEntry =
  | { readonly ok: true; readonly entry: EgressEntry }
  | { readonly ok: false; readonly detail: string };

const wrong = (detail: string) => ({ ok: false, detail }) as const;

/** Reads one entry: an address, a network, a host name or pattern, each with an optional port; a port; or a word. */
export function parseEgressEntry(text: string): ParsedEntry {
  const { subject, port: portText, bracketed } = split(text);
  const port = portText === null ? null : parsePort(portText);
  if (port === undefined) return wrong(`"${text}": a port is 1 to 65535`);
  if (subject === "" && !bracketed && port !== null)
    return { ok: true, entry: { target: { kind: "any" }, port } };
  const word = addressClasses.find((name) => name === subject);
  if (word !== undefined && !bracketed)
    return port === null
      ? { ok: true, entry: { target: { kind: "class", name: word }, port } }
      : wrong(`"${text}": the word "${word}" takes no port`);
  const parsed = parseTarget(subject, bracketed);
  return parsed.ok
    ? { ok: true, entry: { target: parsed.target, port } }
    : wrong(`"${text}": ${parsed.detail}`);
}

/** A colon separates a port, but for those of an IPv6 address without brackets. */
function split(text: string): { subject: string; port: string | null; bracketed: boolean } {
  const inBrackets = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (inBrackets !== null)
    return { subject: inBrackets[1] ?? "", port: inBrackets[2] ?? null, bracketed: true };
  const colon = text.indexOf(":");
  if (colon === -1 || colon !== text.lastIndexOf(":")) return { subject: text, port: null, bracketed: false };
  return { subject: text.slice(0, colon), port: text.slice(colon + 1), bracketed: false };
}

function parsePort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

type ParsedTarget =
  | { readonly ok: true; readonly target: EgressTarget }
  | { readonly ok: false; readonly detail: string };

function parseTarget(text: string, bracketed: boolean): ParsedTarget {
  const [address = "", bits, ...rest] = text.split("/");
  // Odd spellings are for callers; in a list they would be mistakes.
  const isAddress = isIPv6(address) || (!bracketed && isIPv4(address));
  const parsed = isAddress && !address.includes("%") ? parseAddress(address) : null;
  if (parsed !== null && rest.length === 0) return parseRange(parsed, bits);
  if (bracketed) return wrong("brackets are for IPv6 addresses and networks, without zones");
  return bits === undefined
    ? parseName(text.toLowerCase())
    : wrong("expected a network as 10.0.0.0/8 or fd00::/8");
}

function parseRange(address: IpAddress, bitsText: string | undefined): ParsedTarget {
  const most = address.kind() === "ipv4" ? 32 : 128;
  const bits = bitsText === undefined ? most : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
  if (!(bits <= most)) return wrong(`a network of this kind has 0 to ${most} bits`);
  const first = networkAddress(address, bits);
  // It may be meant as the network or as the one address.
  if (first.toString() !== address.toString()) return wrong(`the network is ${first.toString()}/${bits}`);
  return { ok: true, target: { kind: "addresses", range: unmapped([first, bits]) } };
}

function networkAddress(address: IpAddress, bits: number): IpAddress {
  return address.kind() === "ipv4"
    ? ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`)
    : ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`);
}

/** Addresses of the form ::ffff:a.b.c.d are taken as IPv4 wherever they come, here too. */
function unmapped([first, bits]: Range): Range {
  const isMapped = first.kind() === "ipv6" && bits >= 96 && (first as ipaddr.IPv6).isIPv4MappedAddress();
  return isMapped ? [(first as ipaddr.IPv6).toIPv4Address(), bits - 96] : [first, bits];
}

function parseName(text: string): ParsedTarget {
  const isPattern = text.startsWith("*.");
  const name = (isPattern ? text.slice(2) : text).replace(/\.$/, "");
  const labels = name.split(".");
  if (name.length > 253 || !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)))
    return wrong(
      'expected an address, a network, a host name, "*." with a host name, a port as ":8883", or a word',
    );
  // What ends in a number is an address to resolvers (as 127.1 and 0x7f000001), and never a name.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? ""))
    return wrong("expected an address as four decimal numbers, or as IPv6");
  return { ok: true, target: isPattern ? { kind: "pattern", suffix: `.${name}` } : { kind: "host", name } };
}

/** Whether an entry that is no word is about this destination; `host` as {@link normalHost} has it. */
export function isAbout(
  { target, port: entryPort }: EgressEntry,
  host: string,
  port: number,
  address: IpAddress,
): boolean {
  if (entryPort !== null && entryPort !== port) return false;
  switch (target.kind) {
    case "any":
      return true;
    case "class":
      return false;
    case "addresses":
      return contains(target.range, address);
    case "host":
      return host === target.name;
    case "pattern":
      return host.endsWith(target.suffix) && host.length > target.suffix.length;
    default:
      return target satisfies never;
  }
}

/** A host name as it is compared: in lower case, without the final dot of a full name. */
export function normalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
