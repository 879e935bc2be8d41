import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamInfo,
} from "@nats-io/jetstream";

/** What is kept where. */
export interface Place {
  /** Of the stream, and the first word of its subjects. */
  readonly name: string;
  /** Copies that are kept. */
  readonly replicas: number;
  /** Parts that all that is kept is divided into, for as long as the stream is there: what it is made with counts. */
  readonly shards: number;
}

export interface OpenedStream {
  /** Another one where the stream was made anew. */
  readonly epoch: string;
  readonly shards: number;
  readonly info: StreamInfo;
}

const nameInUse = 10_058;
const notFound = 10_059;
/** How records are written; another one is not read. */
const format = "1";

/** Opens the stream, which is made when it is not there. @throws {Error} with a sentence for the operator */
export async function openStream(
  manager: JetStreamManager,
  { name, replicas, shards }: Place,
  newEpoch: () => string,
): Promise<OpenedStream> {
  const info = (await find(manager, name)) ?? (await make(manager, { name, replicas, shards }, newEpoch()));
  const { metadata = {}, num_replicas, republish } = info.config;
  const epoch = metadata["connack-epoch"];
  if (epoch === undefined)
    throw new Error(
      `The servers have a stream ${name} that is not Connack's; CONNACK_CLUSTER_NAME chooses another`,
    );
  if (metadata["connack-format"] !== format)
    throw new Error(
      `The stream ${name} is of a version that this one does not know (${metadata["connack-format"]})`,
    );
  const opened = { epoch, shards: Number(metadata["connack-shards"]) };
  const wanted = republished(name);
  // A node that asks for fewer must not take from the others what they count on.
  const copies = Math.max(num_replicas, replicas);
  if (num_replicas === copies && republish?.src === wanted.src && republish.dest === wanted.dest)
    return { ...opened, info };
  const changed = { num_replicas: copies, republish: wanted };
  return { ...opened, info: await manager.streams.update(name, changed) };
}

/** Where the records of the shard that others follow are told as soon as they are kept, to whoever listens. */
export function liveSubjectOf(name: string): string {
  return republished(name).dest;
}

/** What belongs to no connection is in shard 0, and no other is followed. */
function republished(name: string): { readonly src: string; readonly dest: string } {
  return { src: subjectOf(name, 0, "log"), dest: `${name}.live.0.log` };
}

/** The subject of a shard's records, or of the pieces of its snapshots. */
export function subjectOf(name: string, shard: number, what: "log" | "snap"): string {
  return `${name}.${shard}.${what}`;
}

async function find(manager: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFound) return null;
    throw error;
  }
}

async function make(
  manager: JetStreamManager,
  { name, replicas, shards }: Place,
  epoch: string,
): Promise<StreamInfo> {
  try {
    return await manager.streams.add({
      name,
      subjects: [`${name}.*.log`, `${name}.*.snap`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      // Nothing goes by itself: what is full refuses.
      discard: DiscardPolicy.New,
      num_replicas: replicas,
      allow_direct: true,
      republish: republished(name),
      deny_delete: true,
      metadata: { "connack-epoch": epoch, "connack-format": format, "connack-shards": String(shards) },
    });
  } catch (error) {
    // Another node was faster.
    if (error instanceof JetStreamApiError && error.code === nameInUse) return manager.streams.info(name);
    throw error;
  }
}
