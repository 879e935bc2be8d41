import { readFile } from "node:fs/promises";
import ipaddr from "ipaddr.js";

/** The far end of a reader's network connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/**
 * Retransmissions in a row without any answer, from which on a peer counts as gone. With the shortest interval that
 * Linux uses, doubled each time, the fourth means three seconds of silence; any acknowledgement sets the count to 0.
 */
const mostUnanswered = 4;

/**
 * The peers, as {@link peerKey}s, whose kernels have stopped to answer. A reader that vanishes without FIN or RST is
 * noticed by nobody else for a quarter of an hour: writes succeed as long as the send buffer has room for a heartbeat.
 * Linux only; elsewhere, nobody ever.
 */
export async function findVanished(): Promise<ReadonlySet<string>> {
  const tables = await Promise.all([table("/proc/self/net/tcp"), table("/proc/self/net/tcp6")]);
  return new Set(tables.flatMap(vanishedIn));
}

/** As the kernel writes it: the words of the address in the byte order of the machine, which is little-endian. */
export function peerKey({ address, port }: Peer): string {
  const words = ipaddr.process(address).toByteArray();
  const hex = words.map((_, i) => words[(i & ~3) + 3 - (i & 3)] ?? 0).map((byte) => toHex(byte, 2));
  return `${hex.join("")}:${toHex(port, 4)}`;
}

function toHex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

async function table(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * One line a socket (the kernel's proc_net_tcp.rst): `sl local remote state tx:rx timer:when retransmits …`. Taken are
 * those that are established and have something unacknowledged.
 */
const line = /^ *\d+: \S+ (?:0{16}FFFF0000)?(\S+) 01 (?!0{8})\S+ \S+ ([0-9A-F]{8}) /gm;

/** IPv4 in IPv6 comes out as IPv4. */
export function vanishedIn(lines: string): string[] {
  return [...lines.matchAll(line)].flatMap(([, remote = "", retransmits = ""]) =>
    Number.parseInt(retransmits, 16) >= mostUnanswered ? [remote] : [],
  );
}
