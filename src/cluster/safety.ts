import { hasKnownRaces, leastVersion } from "./server-version.ts";

/** What one NATS server says of itself. */
export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  /** Whether a record is on the disk before it is acknowledged; null where nobody could ask. */
  readonly syncAlways: boolean | null;
  /** How long a record may be in memory alone, where it is not; null where that is not known. */
  readonly syncIntervalMs: number | null;
}

/** What the operator may take upon himself. */
export const risks = ["old-servers", "few-replicas", "lazy-sync", "unchecked-servers"] as const;
export type Risk = (typeof risks)[number];

/** What is true of the place where everything is kept. */
export interface Place {
  readonly servers: readonly ServerFacts[];
  /** Copies of each record. */
  readonly replicas: number;
  /** Why not all servers were asked, but only the one that this node is connected to; null where they were. */
  readonly unchecked: string | null;
}

export interface Verdict {
  /** Why a node does not start there, unless it is told to; a sentence each. */
  readonly refusals: readonly Refusal[];
  /** What can be lost, in a sentence. */
  readonly survives: string;
}

export interface Refusal {
  readonly risk: Risk;
  readonly sentence: string;
}

const leastReplicas = 3;

/** Judges whether what is acknowledged there survives. */
export function judge(place: Place): Verdict {
  const { servers, replicas, unchecked } = place;
  const refusals: Refusal[] = [];
  for (const [version, names] of groups(oldOnes(servers), ({ version: each }) => each))
    refusals.push({
      risk: "old-servers",
      sentence: `nats-server ${version} (${names}) is older than ${leastVersion}: where several write at a time, several may be told that they were the first, and two nodes would hold one connection`,
    });
  if (unchecked !== null)
    refusals.push({
      risk: "unchecked-servers",
      sentence: `only the server that this node is connected to could be asked for its version, and none for its sync_interval: ${unchecked}`,
    });
  if (replicas < leastReplicas)
    refusals.push({
      risk: "few-replicas",
      sentence: `there ${replicas === 1 ? "is one copy" : "are two copies"} of each record (CONNACK_CLUSTER_REPLICAS=${replicas}): with one server lost, ${replicas === 1 ? "all that it had is lost" : "nothing can be kept"}`,
    });
  for (const [interval, names] of groups(lazyOnes(servers), ({ syncIntervalMs }) => seconds(syncIntervalMs)))
    refusals.push({
      risk: "lazy-sync",
      sentence: `nats-server ${names} may acknowledge records ${interval} before they are on its disk: a power failure of all servers at once loses them; set jetstream { sync_interval: always }`,
    });
  return { refusals, survives: survives(place) };
}

/** What a power failure, or the loss of a server, can take. */
function survives({ servers, replicas }: Place): string {
  const copies = replicas === 1 ? "one server" : `${replicas} servers`;
  const parts = [`on ${copies}: ${lossOfServers(replicas)}`, lossOfPower(servers)];
  const old = groups(oldOnes(servers), ({ version }) => version).map(([version]) => version);
  if (old.length > 0)
    parts.push(
      `with nats-server ${old.join(", ")}, what two nodes keep at the same time can be lost though it was acknowledged`,
    );
  return parts.join("; ");
}

function lossOfServers(replicas: number): string {
  if (replicas === 1) return "the loss of that server loses everything";
  const tolerated = Math.floor((replicas - 1) / 2);
  return tolerated === 0
    ? "without one of them nothing can be kept until it is back"
    : `${tolerated} of them may be lost`;
}

function lossOfPower(servers: readonly ServerFacts[]): string {
  const isKnown = servers.length > 0 && servers.every(({ syncAlways }) => syncAlways !== null);
  if (!isKnown) return "it is not known what a power failure of all at once can lose";
  const lazy = lazyOnes(servers);
  if (lazy.length === 0) return "a power failure of all at once loses nothing that was acknowledged";
  const longest = Math.max(0, ...lazy.map(({ syncIntervalMs }) => syncIntervalMs ?? 0));
  const lost = longest === 0 ? "what came last" : `the last ${seconds(longest)}`;
  return `a power failure of all at once can lose ${lost}`;
}

function oldOnes(servers: readonly ServerFacts[]): readonly ServerFacts[] {
  return servers.filter(({ version }) => hasKnownRaces(version));
}

function lazyOnes(servers: readonly ServerFacts[]): readonly ServerFacts[] {
  return servers.filter(({ syncAlways }) => syncAlways === false);
}

/** What is alike of servers, and their names: the same is not said for each. */
function groups(
  servers: readonly ServerFacts[],
  of: (server: ServerFacts) => string,
): readonly (readonly [alike: string, names: string])[] {
  const found = new Map<string, string[]>();
  for (const server of servers) found.set(of(server), [...(found.get(of(server)) ?? []), server.name]);
  return [...found].map(([alike, names]) => [alike, names.join(", ")]);
}

function seconds(ms: number | null): string {
  return ms === null ? "some time" : `${ms / 1_000} s`;
}
