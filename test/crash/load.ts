import { setTimeout as passed } from "node:timers/promises";
import type { Random } from "./random.ts";
import { follow, pollMessages } from "./readers.ts";
import type { Reply, Server } from "./server.ts";
import { publish, type Home, type World } from "./world.ts";

/** Connections that come and go, at most at once. */
const mostOthers = 12;
const mostExtra = 6;
/** Of one round, to one home. */
const mostMessages = 120;

/** How a round's callers behave. */
export interface LoadOptions {
  /** They do little but create and delete connections. */
  readonly deleting: boolean;
  /** Called when a DELETE of a connection is sent. */
  readonly onDelete: () => void;
}

/** Puts load on a server until it is killed; resolves when all that was under way has ended. */
export async function load(
  world: World,
  server: Server,
  random: Random,
  options: LoadOptions,
): Promise<void> {
  const each = world.homes.map((home) => atHome(world, server, random.fork(), home));
  const callers = Array.from({ length: options.deleting ? 4 : 2 }, () =>
    callAround(world, server, random.fork(), options),
  );
  const events = follow(world, server, "/events", world.events);
  await Promise.all([...each, ...callers, events]);
}

async function atHome(world: World, server: Server, random: Random, home: Home): Promise<void> {
  if (!(await settle(world, server, home))) return;
  const work = [
    publishMany(world, server, random.fork(), home),
    pollMessages(world, server, home),
    follow(world, server, `/connections/${home.id}/messages`, home.messages),
    queueMany(world, server, random.fork(), home),
    ...(home.replaced
      ? [replaceOnce(world, server, random.fork(), home)]
      : [
          follow(world, server, `/connections/${home.id}/events`, home.events),
          subscribeAround(server, random.fork(), home),
        ]),
  ];
  await Promise.all(work);
}

/** Makes the home, where it is not there for certain, and waits until it is subscribed. */
async function settle(world: World, server: Server, home: Home): Promise<boolean> {
  const path = `/connections/${home.id}`;
  if (!world.connections.certain().includes(home.id)) {
    world.connections.ask(home.id);
    home.subscriptions.ask(`load/${home.id.slice(-1)}/#`);
    const put = await server.call("PUT", path, home.request);
    if (put === null) return false;
    // It stops, and takes nothing new.
    if (server.killed && put.status === 503) return false;
    if (put.status !== 201 && put.status !== 200) throw new Error(`PUT ${path}: ${JSON.stringify(put.body)}`);
    world.connections.told(home.id, identityOf(put));
    home.subscriptions.told(`load/${home.id.slice(-1)}/#`, true);
  }
  while (!home.open && !server.killed) {
    const list = await server.call("GET", `${path}/subscriptions`);
    const items: { topicFilter: string; grantedQos: number | null }[] = list?.body.items ?? [];
    home.open = items.some(
      ({ topicFilter, grantedQos }) => topicFilter.startsWith("load/") && grantedQos === 2,
    );
  }
  return home.open;
}

/** Puts another request in its place, and notes under which identity it goes on. */
async function replaceOnce(world: World, server: Server, random: Random, home: Home): Promise<void> {
  await passed(random.below(300));
  if (server.killed) return;
  world.connections.change(home.id);
  const labels = { round: String(world.next()) };
  const put = await server.call("PUT", `/connections/${home.id}`, { ...home.request, labels });
  if (put?.status === 200) world.connections.told(home.id, identityOf(put));
  else if (put !== null && !server.killed) world.wrong.push(`PUT was answered ${JSON.stringify(put)}`);
}

export function identityOf({ body: { clientId, createdAt } }: Reply) {
  return { clientId, createdAt };
}

/** Goes on for a moment after the kill: the broker keeps what comes then. */
async function publishMany(world: World, server: Server, random: Random, home: Home): Promise<void> {
  const topic = `load/${home.id.slice(-1)}/x`;
  const acknowledged: Promise<void>[] = [];
  for (let left = mostMessages, after = 3; left > 0 && after > 0; after -= server.killed ? 1 : 0) {
    for (let n = 1 + random.below(12); n > 0; n -= 1, left -= 1)
      acknowledged.push(publish(world, home, topic, random.below(2) === 0 ? 1 : 2));
    await passed(random.below(20));
  }
  await Promise.all(acknowledged);
}

/** Has the outbox publish. */
async function queueMany(world: World, server: Server, random: Random, home: Home): Promise<void> {
  while (!server.killed) {
    const payload = `o${world.next()}`;
    world.queued.send(payload, home.id, 1);
    const message = { topic: `queued/${home.id}/${random.below(2)}`, payload, qos: 1 + random.below(2) };
    const reply = await server.call("POST", `/connections/${home.id}/publish?queue=3600`, message);
    if (reply?.status === 202) world.queued.acknowledge(payload);
    else if (reply !== null && !server.killed)
      world.wrong.push(`queueing was answered ${JSON.stringify(reply)}`);
    await passed(random.below(20));
  }
}

async function subscribeAround(server: Server, random: Random, home: Home): Promise<void> {
  const path = `/connections/${home.id}/subscriptions`;
  while (!server.killed) {
    const there = home.subscriptions.certain().filter((filter) => filter.startsWith("extra/"));
    const old = there.length >= mostExtra || random.below(3) === 0 ? random.pick(there) : undefined;
    if (old === undefined) {
      const topicFilter = `extra/${home.id}/${random.below(1_000_000)}`;
      home.subscriptions.ask(topicFilter);
      const reply = await server.call("POST", path, { topicFilter, qos: 2 });
      if (reply?.status === 201) home.subscriptions.told(topicFilter, true);
    } else {
      home.subscriptions.leave(old);
      const reply = await server.call("DELETE", `${path}/${encodeURIComponent(old)}`);
      if (reply?.status === 204) home.subscriptions.left(old);
    }
    await passed(random.below(40));
  }
}

/** Creates and deletes connections, under ids that do not come again. */
async function callAround(
  world: World,
  server: Server,
  random: Random,
  { deleting, onDelete }: LoadOptions,
): Promise<void> {
  while (!server.killed) {
    const there = world.connections.certain().filter((id) => id.startsWith("other-"));
    const old = there.length >= mostOthers || random.below(2) === 0 ? random.pick(there) : undefined;
    await (old === undefined ? create(world, server, random) : remove(world, server, old, random, onDelete));
    await passed(random.below(deleting ? 5 : 30));
  }
}

async function create(world: World, server: Server, random: Random): Promise<void> {
  const id = `other-${world.next()}`;
  const request = {
    url: world.broker.url,
    durable: true,
    subscriptions: [{ topicFilter: `load/${random.below(3)}/#`, qos: 1 }],
    log: { durable: random.below(2) === 0 },
  };
  world.connections.ask(id);
  if (random.below(2) === 0) {
    const put = await server.call("PUT", `/connections/${id}`, request);
    if (put?.status === 201) world.connections.told(id, identityOf(put));
    return;
  }
  const post = await server.call("POST", "/connections", { id, ...request }, { "idempotency-key": id });
  if (post?.status !== 201) return;
  world.connections.told(id, identityOf(post));
  world.answered.set(id, { request: { id, ...request }, answer: JSON.stringify(post.body) });
}

async function remove(
  world: World,
  server: Server,
  id: string,
  random: Random,
  onDelete: () => void,
): Promise<void> {
  world.connections.leave(id);
  const answered = server.call("DELETE", `/connections/${id}${random.below(4) === 0 ? "?force=true" : ""}`);
  onDelete();
  if ((await answered)?.status === 200) world.connections.left(id);
}
