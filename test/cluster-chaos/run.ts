import { setTimeout as passed } from "node:timers/promises";
import { Random } from "../crash/random.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { insist } from "./caller.ts";
import type { Scene } from "./faults.ts";
import { makeHomes, requestOf } from "./homes.ts";
import { HttpPublisher } from "./http-publisher.ts";
import { keepLogs } from "./kept-logs.ts";
import { Losses } from "./losses.ts";
import { playFaults } from "./play-faults.ts";
import { Publisher } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { setStage, versionOf, type Stage } from "./stage.ts";
import { complaintsOf } from "./complaints.ts";
import { summaryOf } from "./summary.ts";
import { verify } from "./verify.ts";

export interface ChaosOptions {
  readonly runtime: RuntimeName;
  readonly seed: number;
  readonly seconds: number;
  readonly connections: number;
  readonly perSecond: number;
  /** Of the faults' names: those without it do not happen. */
  readonly only?: string;
  /** Where logs go when something is wrong. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly wrong: readonly string[];
  readonly summary: string;
}

/** Publishes and reads while everything breaks that may, then heals it, and looks whether what was promised is there. */
export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const { runtime, seed, say } = options;
  const began = performance.now();
  const tell = (line: string) =>
    say(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  const random = new Random(seed);
  await using stage = await setStage(runtime);
  say(
    `seed ${seed}; nats-server ${stage.nats.version}, mosquitto ${versionOf(stage.broker)}, Connack on ${runtime}`,
  );
  const timeline: string[] = [];
  const noted = (line: string) => {
    timeline.push(`${new Date().toISOString()} ${line}`);
    tell(line);
  };
  const outcome = await play(stage, random, options, noted).catch((error: unknown) => ({
    wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    summary: "it broke off",
  }));
  if (outcome.wrong.length > 0) keepLogs(options.directory, stage, [...timeline, ...outcome.wrong]);
  return outcome;
}

async function play(
  stage: Stage,
  random: Random,
  { seconds, connections, perSecond, only = "" }: ChaosOptions,
  say: (line: string) => void,
): Promise<Outcome> {
  const { nodes, clients, chain, outside } = stage;
  const homes = makeHomes(connections);
  const settling = random.fork();
  await Promise.all(
    homes.map((home) =>
      insist(nodes, settling, "PUT", `/connections/${home.id}`, requestOf(home, clients.url)),
    ),
  );
  await untilGranted(stage, homes, settling);
  say(`${homes.length} connections are subscribed`);
  const readers = pathsOf(homes.length).map((path) => new Reader(path, nodes, random.fork()));
  const publisher = new Publisher(outside, homes, random.fork());
  const http = new HttpPublisher(nodes, homes, random.fork());
  await http.listen(outside);
  const loading = new AbortController();
  const reading = readers.map((reader) => reader.run());
  const load = Promise.all([publisher.run(perSecond, loading.signal), http.run(loading.signal)]);
  const broken: string[] = [];
  load.catch((error: unknown) => broken.push(String(error)));
  const losses = new Losses(chain, say);
  const stillness: { readonly from: number; readonly to: number }[] = [];
  const scene: Scene = {
    ...stage,
    ...{ random: random.fork(), say, wrong: broken },
    lost: (node, cause) => losses.add(node, cause),
    stoodStill: (from, to) => void stillness.push({ from, to }),
  };
  const counts = await playFaults(scene, seconds * 1_000, random.fork(), only);
  say("all is healed");
  loading.abort();
  await load;
  await losses.known();
  say("nothing is published any more");
  const looked = { ...stage, homes, http, readers, random: random.fork(), stillness };
  const wrong = [...broken, ...losses.wrong, ...(await verify(looked)), ...complaintsOf(nodes)];
  for (const reader of readers) reader.stop();
  await Promise.all(reading);
  const played = { counts, homes, publisher, http, readers, chain, clients, losses, wrong };
  return { wrong, summary: summaryOf(played) };
}

async function untilGranted(
  { nodes }: Stage,
  homes: ReturnType<typeof makeHomes>,
  random: Random,
): Promise<void> {
  for (const { id } of homes) {
    for (;;) {
      const { body } = await insist(nodes, random, "GET", `/connections/${id}/subscriptions`);
      const items = body.items as readonly { readonly grantedQos: number | null }[];
      if (items.every(({ grantedQos }) => grantedQos !== null)) break;
      await passed(100);
    }
  }
}

/** What readers read: some logs of connections, and all events. */
function pathsOf(connections: number): readonly string[] {
  const some = [0, 1, 2, 3].map((n) => Math.floor((n * connections) / 4));
  return [
    ...some.map((n) => `/connections/home-${n}/messages`),
    ...some.slice(0, 3).map((n) => `/connections/home-${n}/events`),
    "/events",
    "/events",
  ];
}
