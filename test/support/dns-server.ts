import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { isIPv4, isIPv6 } from "node:net";
import * as dns from "dns-packet";

/** The addresses of a name; a function is asked anew for every query, as a rebinding attacker would answer. */
export type DnsEntry = readonly string[] | ((type: "A" | "AAAA") => readonly string[]);

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** "127.0.0.1:port", as `Resolver.setServers` wants it. */
  readonly address: string;
  /** Lower-case names without a final dot. What is not here does not exist. */
  readonly table: Map<string, DnsEntry>;
  /** "A example.test", in the order in which they came. */
  readonly queries: string[];
  /** Silent: questions are noted and never answered. */
  mode: "answer" | "silent";
}

const nameError = 3;

/** A DNS server on 127.0.0.1 over UDP, which answers A and AAAA from a table. */
export async function startDnsServer(entries: Readonly<Record<string, DnsEntry>> = {}): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const server: DnsServer = {
    port,
    address: `127.0.0.1:${port}`,
    table: new Map(Object.entries(entries)),
    queries: [],
    mode: "answer",
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
  socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
    const query = dns.decode(bytes);
    server.queries.push(...query.questions.map((question) => `${question.type} ${question.name}`));
    if (server.mode === "answer")
      socket.send(dns.encode(answer(query, server.table)), from.port, from.address);
  });
  return server;
}

function answer(query: dns.DnsPacket, table: ReadonlyMap<string, DnsEntry>): dns.DnsPacket {
  const known = query.questions.every((question) => table.has(question.name.toLowerCase()));
  const flags = dns.AUTHORITATIVE_ANSWER | dns.RECURSION_AVAILABLE | (query.flags & dns.RECURSION_DESIRED);
  return {
    type: "response",
    id: query.id,
    flags: known ? flags : flags | nameError,
    questions: query.questions,
    answers: query.questions.flatMap((question) =>
      addresses(question, table).map((data) => ({ name: question.name, type: question.type, ttl: 0, data })),
    ),
  };
}

function addresses({ name, type }: dns.Question, table: ReadonlyMap<string, DnsEntry>): readonly string[] {
  if (type !== "A" && type !== "AAAA") return [];
  const entry = table.get(name.toLowerCase()) ?? [];
  const all = typeof entry === "function" ? entry(type) : entry;
  return all.filter(type === "A" ? isIPv4 : isIPv6);
}
