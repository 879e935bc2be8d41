import { setTimeout as passed } from "node:timers/promises";
import { Random } from "../crash/random.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { insist } from "./caller.ts";
import { deck } from "./deck.ts";
import { faults, type Scene } from "./faults.ts";
import { makeHomes, requestOf } from "./homes.ts";
import { HttpPublisher } from "./http-publisher.ts";
import { keepLogs } from "./kept-logs.ts";
import { Publisher } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { setStage, versionOf, type Stage } from "./stage.ts";
import { describeTakeOver, measureTakeOver, type TakeOver } from "./take-over.ts";
import { complaintsOf } from "./complaints.ts";
import { verify } from "./verify.ts";

export interface ChaosOptions {
  readonly runtime: RuntimeName;
  readonly seed: number;
  readonly seconds: number;
  readonly connections: number;
  readonly perSecond: number;
  /** Where logs go when something is wrong. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly wrong: readonly string[];
  readonly summary: string;
}

/** Between a fault that is healed and the next one. */
const pauseMs = 3_000;

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
  { seconds, connections, perSecond }: ChaosOptions,
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
  const takeOvers: TakeOver[] = [];
  const measuring: Promise<void>[] = [];
  const stillness: { from: number; to: number }[] = [];
  const scene: Scene = {
    ...stage,
    ...{ random: random.fork(), say, wrong: broken },
    lost: (node, cause) => {
      const measured = measureTakeOver(chain, node.name, cause).then((takeOver) => {
        if (takeOver === null) return void broken.push(`what ${node.name} had was not taken over: ${cause}`);
        takeOvers.push(takeOver);
        return say(describeTakeOver(takeOver));
      });
      measuring.push(measured);
    },
    stoodStill: (from, to) => void stillness.push({ from, to }),
  };
  const counts = await playFaults(scene, seconds * 1_000, random.fork());
  say("all is healed");
  loading.abort();
  await load;
  await Promise.all(measuring);
  say("nothing is published any more");
  const looked = { ...stage, homes, http, readers, random: random.fork(), stillness };
  const wrong = [...broken, ...(await verify(looked)), ...complaintsOf(nodes)];
  for (const reader of readers) reader.stop();
  await Promise.all(reading);
  const resumed = readers.reduce((sum, reader) => sum + reader.resumed, 0);
  const stored = homes.reduce((sum, { published }) => sum + published.size, 0);
  const slowest = Math.max(
    0,
    ...takeOvers.filter(({ cause }) => cause === "kill -9").flatMap((each) => each.seconds),
  );
  const answers = [...http.answers].map(([answer, count]) => `${answer}: ${count}`).join(", ");
  const summary = `${Object.values(counts).reduce((sum, count) => sum + count, 0)} faults ${JSON.stringify(counts)}; ${publisher.acknowledged} of ${publisher.sent} messages acknowledged by the broker, due ${stored} times; publishing over HTTP was answered ${answers}; ${readers.length} readers resumed ${resumed} times; ${chain.terms.length} terms, ${chain.records} records; slowest take-over after kill -9 ${slowest.toFixed(1)} s; ${wrong.length === 0 ? "all that was promised is there" : `${wrong.length} things are wrong`}`;
  return { wrong, summary };
}

async function playFaults(scene: Scene, forMs: number, random: Random): Promise<Record<string, number>> {
  const ends = performance.now() + forMs;
  const counts: Record<string, number> = {};
  await passed(pauseMs);
  for (const name of deck(random)) {
    const fault = faults[name];
    if (performance.now() + fault.seconds * 1_000 > ends) {
      // What is short enough may still come.
      if (Object.values(faults).every(({ seconds }) => performance.now() + seconds * 1_000 > ends)) break;
      continue;
    }
    counts[name] = (counts[name] ?? 0) + 1;
    await fault.run(scene);
    await passed(pauseMs + random.below(pauseMs));
  }
  return counts;
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
