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
  /** Whether all servers were asked, and not only the one that this node is connected to. */
  readonly allAsked: boolean;
}

export interface Verdict {
  /** Why a node does not start there, unless it is told to; a sentence each. */
  readonly refusals: readonly { readonly risk: Risk; readonly sentence: string }[];
  /** What can be lost, in a sentence. */
  readonly survives: string;
}

const leastVersion = [2, 12] as const;
const leastReplicas = 3;

/** Judges whether what is acknowledged there survives. */
export function judge({ servers, replicas, allAsked }: Place): Verdict {
  const refusals: { readonly risk: Risk; readonly sentence: string }[] = [];
  const refuse = (risk: Risk, sentence: string) => refusals.push({ risk, sentence });
  for (const { name, version } of servers.filter((server) => !isAtLeast(server.version)))
    refuse(
      "old-servers",
      `nats-server ${version} (${name}) is older than ${leastVersion.join(".")}: where several write at a time, several may be told that they were the first, and two nodes would hold one connection`,
    );
  if (!allAsked)
    refuse(
      "unchecked-servers",
      "only the server that this node is connected to could be asked for its version, and none for its sync_interval; CONNACK_CLUSTER_SYSTEM_URL lets all be asked",
    );
  if (replicas < leastReplicas)
    refuse(
      "few-replicas",
      `there ${replicas === 1 ? "is one copy" : "are two copies"} of each record (CONNACK_CLUSTER_REPLICAS=${replicas}): with one server lost, ${replicas === 1 ? "all that it had is lost" : "nothing can be kept"}`,
    );
  for (const { name, syncIntervalMs } of servers.filter(({ syncAlways }) => syncAlways === false))
    refuse(
      "lazy-sync",
      `the server ${name} may have acknowledged records ${seconds(syncIntervalMs)} before they are on its disk: a power failure of all servers at once loses them; set jetstream { sync_interval: always }`,
    );
  return { refusals, survives: survives({ servers, replicas, allAsked }) };
}

/** What a power failure, or the loss of a server, can take. */
function survives({ servers, replicas }: Place): string {
  const copies = replicas === 1 ? "one server" : `${replicas} servers`;
  const tolerated = Math.floor((replicas - 1) / 2);
  const loss =
    tolerated === 0 ? "the loss of that server loses everything" : `${tolerated} of them may be lost`;
  const isKnown = servers.length > 0 && servers.every(({ syncAlways }) => syncAlways !== null);
  const lazy = servers.filter(({ syncAlways }) => syncAlways === false);
  const longest = Math.max(0, ...lazy.map(({ syncIntervalMs }) => syncIntervalMs ?? 0));
  const power = !isKnown
    ? "it is not known what a power failure of all at once can lose"
    : lazy.length === 0
      ? "a power failure of all at once loses nothing that was acknowledged"
      : `a power failure of all at once can lose ${longest === 0 ? "what came last" : `the last ${seconds(longest)}`}`;
  return `on ${copies}: ${loss}; ${power}`;
}

function isAtLeast(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > leastVersion[0] || (major === leastVersion[0] && minor >= leastVersion[1]);
}

function seconds(ms: number | null): string {
  return ms === null ? "some time" : `${ms / 1_000} s`;
}
