import { setTimeout as passed } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { Random } from "../crash/random.ts";
import type { NatsServer } from "../support/nats-server.ts";
import type { ChaosNode } from "./node.ts";
import type { Stage } from "./stage.ts";

/** What a fault is done to, and with. */
export interface Scene extends Stage {
  readonly random: Random;
  readonly say: (line: string) => void;
  readonly wrong: string[];
  /** Measures how long it takes until others have what this node has, without waiting for it. */
  readonly lost: (node: ChaosNode, cause: string) => void;
  /** A node stood still meanwhile, and could let go of nothing. */
  readonly stoodStill: (from: number, to: number) => void;
}

export interface Fault {
  /** About how long it takes, healing included. */
  readonly seconds: number;
  readonly run: (scene: Scene) => Promise<void>;
}

const second = 1_000;

/** A node that may not renew lets go of all after 20 s, and others take it after 25 s. */
const longerThanLease = 29 * second;

export const faults = {
  "kill -9 of a node": { seconds: 8, run: killNode },
  "SIGTERM of a node": { seconds: 10, run: terminateNode },
  "NATS leader killed": { seconds: 12, run: killLeader },
  "node stands still for a moment": { seconds: 9, run: (scene) => freeze(scene, 6 * second) },
  "node stands still for longer than its lease": {
    seconds: 36,
    run: (scene) => freeze(scene, longerThanLease),
  },
  "node cut off NATS for a moment": { seconds: 9, run: (scene) => cut(scene, 6 * second) },
  "node cut off NATS for longer than its lease": { seconds: 38, run: (scene) => cut(scene, longerThanLease) },
  "all of NATS killed": { seconds: 20, run: killAll },
  "NATS server cut off the others": { seconds: 18, run: partition },
  "kill -9 of a node and of the NATS leader": { seconds: 18, run: killBoth },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

function pickNode({ nodes, random }: Scene): ChaosNode {
  const node = random.pick(nodes);
  if (node === undefined) throw new Error("There are no nodes");
  return node;
}

async function killNode(scene: Scene): Promise<void> {
  const node = pickNode(scene);
  scene.say(`kill -9 ${node.name}`);
  scene.lost(node, "kill -9");
  await node.kill();
  await passed(2 * second + scene.random.below(4 * second));
  await node.start();
  scene.say(`${node.name} is there again`);
}

async function terminateNode(scene: Scene): Promise<void> {
  const node = pickNode(scene);
  scene.say(`SIGTERM ${node.name}`);
  scene.lost(node, "SIGTERM");
  const began = performance.now();
  const status = await node.terminate();
  scene.say(`${node.name} ended with ${status} after ${((performance.now() - began) / second).toFixed(1)} s`);
  if (status !== 0) scene.wrong.push(`SIGTERM of ${node.name}: it ended with ${status}`);
  await passed(scene.random.below(3 * second));
  await node.start();
  scene.say(`${node.name} is there again`);
}

async function freeze(scene: Scene, ms: number): Promise<void> {
  const node = pickNode(scene);
  scene.say(`SIGSTOP ${node.name} for ${ms / second} s`);
  if (ms === longerThanLease) scene.lost(node, "SIGSTOP");
  const from = performance.now();
  node.freeze();
  await passed(ms);
  node.thaw();
  scene.stoodStill(from, performance.now());
  scene.say(`SIGCONT ${node.name}`);
}

async function cut(scene: Scene, ms: number): Promise<void> {
  const node = pickNode(scene);
  scene.say(`cut ${node.name} off NATS for ${ms / second} s`);
  if (ms === longerThanLease) scene.lost(node, "cut off NATS");
  node.cut();
  await passed(ms);
  node.heal();
  scene.say(`${node.name} has NATS again`);
}

async function leaderOf({ nats, chain }: Scene): Promise<NatsServer> {
  const connection = await nats.connect();
  try {
    const manager = await jetstreamManager(connection, { timeout: 2_500, checkAPI: false });
    for (;;) {
      const found = await manager.streams.info(chain.stream).catch(() => null);
      const server = nats.servers.find(({ name }) => name === found?.cluster?.leader);
      if (server !== undefined) return server;
      await passed(200);
    }
  } finally {
    await connection.close();
  }
}

/** Until something is written again. */
async function untilWritten({ chain, say }: Scene, since: number, what: string): Promise<void> {
  const deadline = performance.now() + 60 * second;
  while (chain.lastAt <= since && performance.now() < deadline) await passed(50);
  say(`written again ${((chain.lastAt - since) / second).toFixed(1)} s after ${what}`);
}

async function killLeader(scene: Scene): Promise<void> {
  const server = await leaderOf(scene);
  scene.say(`kill -9 the NATS leader ${server.name}`);
  await server.kill();
  const since = Date.now();
  await untilWritten(scene, since, "the leader's end");
  await passed(scene.random.below(3 * second));
  await server.start();
  await scene.nats.ready(30 * second);
  scene.say(`${server.name} is there again`);
}

async function killAll(scene: Scene): Promise<void> {
  const { servers } = scene.nats;
  scene.say("kill -9 all of NATS");
  await Promise.all(servers.map((server) => server.kill()));
  const since = Date.now();
  await passed(2 * second);
  await Promise.all(servers.map((server) => server.start()));
  await scene.nats.ready(40 * second);
  await untilWritten(scene, since, "the end of all");
}

async function partition(scene: Scene): Promise<void> {
  const server = await leaderOf(scene);
  scene.say(`cut the NATS leader ${server.name} off the others`);
  scene.nats.isolate(server);
  await passed(12 * second);
  scene.nats.heal();
  await scene.nats.ready(40 * second);
  scene.say(`${server.name} has the others again`);
}

async function killBoth(scene: Scene): Promise<void> {
  const node = pickNode(scene);
  const server = await leaderOf(scene);
  scene.say(`kill -9 ${node.name} and the NATS leader ${server.name}`);
  scene.lost(node, "kill -9 with the NATS leader");
  await Promise.all([node.kill(), server.kill()]);
  await untilWritten(scene, Date.now(), "the end of both");
  await server.start();
  await scene.nats.ready(30 * second);
  await node.start();
  scene.say(`${node.name} and ${server.name} are there again`);
}
