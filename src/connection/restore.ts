import type { Change, Position, Store, StoredEntry } from "../store/store.ts";
import type { Connection } from "./connection.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Registry } from "./registry.ts";
import { fromRecord, places, type Keeping, type ReadRecord } from "./stored-connection.ts";

const pageRecords = 500;
const pageEntries = 1_000;
/** Connections whose logs are read at once. */
const readAtOnce = 256;
/** Connections that are made before calls are looked after again, such as whether the server is there. */
const madeAtOnce = 256;

interface Found extends ReadRecord {
  readonly id: string;
  /** The record. */
  readonly value: string;
}

/**
 * Brings back all that was stored, as it was, before anything else happens; nothing has been dialled yet. What was
 * promised to nobody, and what belongs to nothing, is removed. `onStep` hears of each stored connection twice, in groups:
 * when its record has been read, and when that is so of its logs.
 *
 * @throws {StoreError} when the store cannot be read
 * @throws {SealError} when a secret cannot be opened: without it a connection would come back as another one
 */
export async function restoreConnections(
  keeping: Keeping,
  registry: Registry,
  lifecycle: Lifecycle,
  onStep: (count: number) => void = () => {},
): Promise<readonly Connection[]> {
  const { store, lease } = keeping;
  const trimmed = new Map((await store.logs("")).map(({ name, trimmedThrough }) => [name, trimmedThrough]));
  const allThrough = trimmed.get(lifecycle.storedAll) ?? 0;
  lifecycle.all.restore(allThrough);
  await readLog(store, lifecycle.storedAll, allThrough, (entries) => lifecycle.fill(lifecycle.all, entries));
  // A version is shown with an event, so that none was greater.
  const version = lifecycle.all.tail;
  const all = await readRecords(keeping, onStep);
  const found = all.filter(({ was }) => was.kept).toSorted((a, b) => a.was.createdAt - b.was.createdAt);
  const connections: Connection[] = [];
  for (const { id, was, isSealedAnew, ...kept } of found) {
    connections.push(registry.restore(id, { was, version, kept: isSealedAnew ? kept : null }));
    if (connections.length % madeAtOnce === 0) await new Promise(setImmediate);
  }
  const spaces = new Set(await store.spaces(""));
  for (let at = 0; at < connections.length; at += readAtOnce) {
    const some = connections.slice(at, at + readAtOnce);
    await Promise.all(some.map((connection) => fill(connection, store, { trimmed, spaces }, lifecycle)));
    onStep(some.length);
  }
  const abandoned = all.filter(({ was }) => !was.kept);
  const changes = [...removals(abandoned), ...orphans(connections, { trimmed, spaces })];
  if (changes.length > 0) await store.commit(lease, changes);
  for (const [index, { isSealedAnew }] of found.entries())
    if (!isSealedAnew) await connections[index]?.saved();
  return connections;
}

async function readRecords({ store, sealer }: Keeping, onStep: (count: number) => void): Promise<Found[]> {
  const found: Found[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.records(places.connections, after, pageRecords);
    for (const { key, value } of page) {
      found.push({ id: key, value, ...(await fromRecord(key, value, sealer)) });
    }
    onStep(page.length);
    after = page.at(-1)?.key ?? null;
    if (after === null) return found;
  }
}

async function readLog(
  store: Store,
  name: string,
  after: Position,
  take: (entries: readonly StoredEntry[]) => void,
): Promise<void> {
  for (let position = after; ;) {
    const entries = await store.entries(name, position, pageEntries);
    if (entries.length === 0) return;
    take(entries);
    position = entries.at(-1)?.position ?? position;
  }
}

/** What there is in the store. */
interface Present {
  readonly trimmed: ReadonlyMap<string, Position>;
  readonly spaces: ReadonlySet<string>;
}

async function fill(
  connection: Connection,
  store: Store,
  { trimmed, spaces }: Present,
  lifecycle: Lifecycle,
): Promise<void> {
  const { events, session } = connection;
  const { messages, incoming } = session;
  const read = async (
    name: string | undefined,
    begin: (through: Position) => (some: readonly StoredEntry[]) => void,
  ) => {
    const through = name === undefined ? undefined : trimmed.get(name);
    if (name === undefined || through === undefined) return;
    await readLog(store, name, through, begin(through));
  };
  await read(events.stored ?? undefined, (through) => {
    events.log.restore(through);
    return (entries) => lifecycle.fill(events.log, entries);
  });
  await read(messages.keeping?.name, (through) => {
    messages.log.restore(through);
    return (entries) => messages.fill(entries);
  });
  if (spaces.has(places.outbox(connection.id))) await readOutbox(connection, store);
  if (messages.keeping === null || !spaces.has(messages.keeping.incoming)) return;
  for (const { value } of await store.records(messages.keeping.incoming, null, 65_535))
    incoming.restore(value);
}

async function readOutbox({ id, session }: Connection, store: Store): Promise<void> {
  const texts: string[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.records(places.outbox(id), after, pageRecords);
    texts.push(...page.map(({ value }) => value));
    after = page.at(-1)?.key ?? null;
    if (page.length < pageRecords) break;
  }
  session.parts.outbox?.restore(texts);
}

/** Their logs belong to nothing any more, and go with the others of which that is true. */
function removals(abandoned: readonly Found[]): Change[] {
  return abandoned.flatMap(({ id }): Change[] => [
    { type: "delete", space: places.connections, key: id },
    { type: "clear", space: places.outbox(id) },
  ]);
}

/** What belongs to connections that have gone: the process ended before it could remove it. */
function orphans(connections: readonly Connection[], { trimmed, spaces }: Present): Change[] {
  const wanted = new Set(
    connections.flatMap(({ id, events, session }) => {
      const { keeping } = session.messages;
      return [events.stored, places.outbox(id), keeping?.name ?? null, keeping?.incoming ?? null];
    }),
  );
  const isOrphan = (prefixes: readonly string[]) => (name: string) =>
    prefixes.some((prefix) => name.startsWith(prefix)) && !wanted.has(name);
  const logs = [...trimmed.keys()].filter(isOrphan([places.eventLogs, places.messageLogs]));
  const records = [...spaces].filter(isOrphan([places.outboxes, places.incomings]));
  return [
    ...logs.map((log): Change => ({ type: "drop", log })),
    ...records.map((space): Change => ({ type: "clear", space })),
  ];
}
