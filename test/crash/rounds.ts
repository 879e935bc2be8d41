import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as passed } from "node:timers/promises";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { load } from "./load.ts";
import { Promised } from "./promised.ts";
import { Published } from "./published.ts";
import { Random } from "./random.ts";
import { Server } from "./server.ts";
import { ToldLog } from "./told-log.ts";
import { verify } from "./verify.ts";
import { homes, type World } from "./world.ts";
import { killYoung } from "./young.ts";

export interface RoundsOptions {
  readonly runtime: RuntimeName;
  readonly seed: number;
  readonly rounds: number;
  /** Where the store is; it stays. */
  readonly directory: string;
  readonly log: (line: string) => void;
}

export interface Outcome {
  /** The round in which the first thing was wrong; null where nothing was. */
  readonly round: number | null;
  readonly wrong: readonly string[];
  readonly kills: Readonly<Record<string, number>>;
  readonly messages: number;
}

/** When it is killed: under load, behind a DELETE, while it starts, on a new store; or it stops by itself. */
type Kill = "load" | "delete" | "start" | "young" | "stop";
const kills: readonly Kill[] = [
  "load",
  "load",
  "load",
  "load",
  "delete",
  "delete",
  "start",
  "start",
  "young",
  "stop",
];

/** Kills a server that is under load again and again, and looks each time at what it has kept of what it promised. */
export async function runRounds(options: RoundsOptions): Promise<Outcome> {
  const { runtime, directory, rounds, seed } = options;
  await using broker = await startMosquitto({ persistence: true, extra: ["max_inflight_messages 100"] });
  await using publisher = await connectClient(broker.url, { protocolVersion: 5, clientId: "outside" });
  let number = 0;
  const world: World = {
    runtime,
    directory,
    file: join(directory, "connack.db"),
    broker,
    publisher,
    homes: homes(broker),
    queued: new Published("what was queued"),
    connections: new Promised("the connection"),
    events: new ToldLog("events of all"),
    answered: new Map(),
    wrong: [],
    next: () => (number += 1),
  };
  publisher.on("message", (_, payload) => world.wrong.push(...world.queued.read(String(payload), "outside")));
  await publisher.subscribeAsync("queued/#", { qos: 1 });
  const random = new Random(seed);
  const counts: Record<string, number> = {};
  let round = 0;
  while (round < rounds && world.wrong.length === 0) {
    round += 1;
    const kill = (round === 1 ? "start" : random.pick(kills)) ?? "load";
    counts[kill] = (counts[kill] ?? 0) + 1;
    options.log(`round ${round}: ${kill}`);
    await playRound(world, random.fork(), kill).catch((error: unknown) => {
      world.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
  }
  // What the broker did tells whose fault it is.
  if (world.wrong.length > 0) writeFileSync(join(directory, "mosquitto.log"), broker.log());
  const messages = world.homes.reduce((sum, home) => sum + home.published.size, 0);
  return { round: world.wrong.length > 0 ? round : null, wrong: world.wrong, kills: counts, messages };
}

/** One start, load and kill, and the start behind it, at which all is looked at. */
async function playRound(world: World, random: Random, kill: Kill): Promise<void> {
  if (kill === "young") return killYoung(world, random);
  const server = new Server(world.runtime, world.file);
  if (kill === "start") {
    await passed(random.below(world.runtime === "deno" ? 700 : 400));
    await server.kill();
  } else await killLoaded(world, server, random, kill);
  const after = new Server(world.runtime, world.file);
  try {
    await after.listening();
    await verify(world, after, random);
  } finally {
    await after.kill();
  }
  return undefined;
}

async function killLoaded(
  world: World,
  server: Server,
  random: Random,
  kill: "load" | "delete" | "stop",
): Promise<void> {
  await server.listening();
  const deleted = Promise.withResolvers<void>();
  const loaded = load(world, server, random.fork(), {
    deleting: kill === "delete",
    onDelete: deleted.resolve,
  });
  const failed = loaded.catch(() => {});
  await passed(random.below(400));
  if (kill === "delete") {
    await Promise.race([deleted.promise, failed]);
    await passed(random.below(12));
  }
  await (kill === "stop" ? stopWell(world, server) : server.kill());
  await loaded;
}

/** S65: it ends in time and in order, and leaves nothing to repair. */
async function stopWell(world: World, server: Server): Promise<void> {
  const status = await server.stop();
  if (status !== 0) world.wrong.push(`SIGTERM: it ended with ${status}`);
  const database = new DatabaseSync(world.file, { readOnly: true });
  const clean = database.prepare("SELECT clean FROM state").get()?.["clean"];
  database.close();
  if (clean !== 1) world.wrong.push("SIGTERM: the store was not closed");
}
