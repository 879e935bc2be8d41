/** The part of dns-packet, which has no types of its own, that the test DNS server uses. */
declare module "dns-packet" {
  export interface Question {
    readonly name: string;
    readonly type: string;
  }
  export interface Answer extends Question {
    readonly ttl: number;
    readonly data: string;
  }
  export interface DnsPacket {
    readonly type: "query" | "response";
    readonly id: number;
    readonly flags: number;
    readonly questions: readonly Question[];
    readonly answers?: readonly Answer[];
  }
  export const AUTHORITATIVE_ANSWER: number;
  export const RECURSION_DESIRED: number;
  export const RECURSION_AVAILABLE: number;
  export function decode(bytes: Buffer): DnsPacket;
  export function encode(packet: DnsPacket): Buffer;
}
