import { setTimeout as passed } from "node:timers/promises";
import { shardOf } from "../../src/cluster/front-shard.ts";
import type { Random } from "../crash/random.ts";
import { insist } from "./caller.ts";
import type { Home } from "./homes.ts";
import type { HttpPublisher } from "./http-publisher.ts";
import { PagedLog } from "./logs.ts";
import type { Reader } from "./reader.ts";
import type { Stage } from "./stage.ts";

/** So much later all is there that will be. */
const patienceMs = 60_000;
const lookEveryMs = 500;
/** The broker ends the older of two; whoever held it is to have noticed by then. */
const mostOverlapMs = 3_000;
/** A connection that is asked for again and again while its shard changes hands. */
const shards = 12;

export interface Looked extends Stage {
  readonly homes: readonly Home[];
  readonly http: HttpPublisher;
  readonly readers: readonly Reader[];
  readonly random: Random;
  /** When a node stood still, by `performance.now()`. */
  readonly stillness: readonly { readonly from: number; readonly to: number }[];
}

/** Resolves with what is wrong with all that is there, when all has had time to come. */
export async function verify(scene: Looked): Promise<string[]> {
  const { homes, http, chain, readers } = scene;
  const wrong: string[] = [];
  wrong.push(...(await unconnected(scene)));
  const logs = new Map(homes.map(({ id }) => [id, new PagedLog(`/connections/${id}/messages`)]));
  const deadline = performance.now() + patienceMs;
  for (;;) {
    for (const home of homes) wrong.push(...(await readOn(scene, home, logs.get(home.id))));
    const owed = homes.some(({ published }) => published.owed.length > 0);
    if (!owed && http.promised.owed.length === 0) break;
    if (performance.now() > deadline) break;
    await passed(lookEveryMs);
  }
  for (const { id, published } of homes)
    if (published.owed.length > 0)
      wrong.push(`${id}: ${published.owed.length} acknowledged and not in its log: ${some(published.owed)}`);
  if (http.promised.owed.length > 0)
    wrong.push(`answered 200 or 202, and not at the broker's subscriber: ${some(http.promised.owed)}`);
  wrong.push(...[...logs.values()].flatMap((log) => log.wrong), ...http.wrong, ...chain.wrong);
  for (const reader of readers) wrong.push(...(await compareReader(scene, reader)));
  return [...wrong, ...heldTwice(scene)];
}

/** Each connection is there, and connected. */
async function unconnected({ homes, nodes, random }: Looked): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  const looks = homes.map(async ({ id }) => {
    for (;;) {
      const { body } = await insist(nodes, random, "GET", `/connections/${id}`);
      if (body.state === "connected") return [];
      if (performance.now() > deadline) return [`${id} is not connected: ${JSON.stringify(body)}`];
      await passed(lookEveryMs);
    }
  });
  return (await Promise.all(looks)).flat();
}

async function readOn({ nodes, random }: Looked, home: Home, log: PagedLog | undefined): Promise<string[]> {
  const entries = (await log?.readOn(nodes, random)) ?? [];
  return entries.flatMap(({ id, payload = "" }) => home.published.read(payload, id));
}

/** A reader has got all that is in its log, once, in order. */
async function compareReader(scene: Looked, reader: Reader): Promise<string[]> {
  const expected = await idsOf(scene, reader.path);
  const deadline = performance.now() + patienceMs / 2;
  while (reader.ids.length < expected.length && performance.now() < deadline) await passed(lookEveryMs);
  const { path, ids, wrong } = reader;
  const missing = expected.filter((id) => !ids.includes(id));
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  const known = new Set(expected);
  // What has come since, of connections and events that are still under way.
  const odd = path === "/events" ? [] : ids.slice(0, expected.length).filter((id) => !known.has(id));
  const order = ids.filter((id, index) => index > 0 && !isBehind(ids, index, path, id));
  return [
    ...wrong,
    ...complaint(path, "not shown", missing),
    ...complaint(path, "shown twice", repeated),
    ...complaint(path, "shown, and not in the log", odd),
    ...complaint(path, "shown behind a later one", order),
  ];
}

async function idsOf({ homes, nodes, random }: Looked, path: string): Promise<readonly string[]> {
  const paths = path === "/events" ? homes.map(({ id }) => `/connections/${id}/events`) : [path];
  const logs = paths.map((each) => new PagedLog(each));
  for (const log of logs) await log.readOn(nodes, random);
  return logs.flatMap(({ entries }) => entries.map(({ id }) => id));
}

/** Those of all connections are in order by shard only, which their ids do not tell. */
function isBehind(ids: readonly string[], index: number, path: string, id: string): boolean {
  return path === "/events" || sequenceOf(ids[index - 1] ?? "") < sequenceOf(id);
}

function sequenceOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}

/** No client id is held twice for long, and no two nodes take it from one another again and again. */
function heldTwice({ homes, clients, chain, stillness }: Looked): string[] {
  return homes.flatMap(({ id, clientId }) => {
    const long = clients
      .overlapsOf(clientId)
      .filter((overlap) => moving(overlap, stillness) > mostOverlapMs)
      .map(({ from, to }) => `${id} was held twice for ${((to - from) / 1_000).toFixed(1)} s`);
    const [takeOvers, terms] = [clients.takeOversOf(clientId), chain.termsOf(shardOf(id, shards))];
    return takeOvers <= terms ? long : [...long, `${id} was taken over ${takeOvers} times in ${terms} terms`];
  });
}

/** How much of a piece of time no node stood still, which can let go of nothing. */
function moving(
  { from, to }: { readonly from: number; readonly to: number },
  stillness: Looked["stillness"],
): number {
  const still = stillness.map((each) => Math.max(0, Math.min(to, each.to) - Math.max(from, each.from)));
  return to - from - still.reduce((sum, ms) => sum + ms, 0);
}

function complaint(path: string, what: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${path}: ${ids.length} ${what}: ${some(ids)}`];
}

function some(list: readonly string[]): string {
  return list.length > 12 ? `${list.slice(0, 12).join(", ")}, …` : list.join(", ");
}
