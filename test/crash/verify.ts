import { setTimeout as passed } from "node:timers/promises";
import { identityOf } from "./load.ts";
import type { Random } from "./random.ts";
import { readAll } from "./readers.ts";
import type { Reply, Server } from "./server.ts";
import { publish, type Home, type Identity, type World } from "./world.ts";

/** So much later all is there that will be. */
const patienceMs = 20_000;

/** Holds what is there after a crash against what was told; what is wrong goes to the world's list. */
export async function verify(world: World, server: Server, random: Random): Promise<void> {
  const { wrong } = world;
  wrong.push(...world.connections.compare(await identities(server)));
  const certain = new Set(world.connections.certain());
  const there = world.homes.filter(({ id }) => certain.has(id));
  await Promise.all(there.map((home) => verifyHome(world, server, random.fork(), home)));
  const after = world.events.cursor(random.below(200));
  wrong.push(...world.events.compare(after, (await readAll(server, "/events", after, wrong)) ?? []));
  await verifyAnswers(world, server, random);
  const deadline = performance.now() + patienceMs;
  while (world.queued.owed.length > 0 && performance.now() < deadline) await passed(10);
  if (world.queued.owed.length > 0) wrong.push(`queued and not delivered: ${world.queued.owed.join(", ")}`);
  wrong.push(...server.complaints);
}

/** What has been answered is answered again, and not done again. */
async function verifyAnswers({ answered, wrong }: World, server: Server, random: Random): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    const [key, { request, answer }] = random.pick([...answered]) ?? ["", { request: {}, answer: "" }];
    if (key === "") return;
    const again = await server.call("POST", "/connections", request, { "idempotency-key": key });
    if (again?.status !== 201 || JSON.stringify(again.body) !== answer)
      wrong.push(`the call with the key ${key} was answered ${answer}, and is ${JSON.stringify(again)}`);
  }
}

async function identities(server: Server): Promise<Map<string, Identity>> {
  const reply = await server.call("GET", "/connections?limit=1000");
  const items: ({ id: string } & Identity)[] = reply?.body.items ?? [];
  return new Map(items.map((body) => [body.id, identityOf({ status: 200, body })]));
}

async function verifyHome(world: World, server: Server, random: Random, home: Home): Promise<void> {
  const { wrong } = world;
  const path = `/connections/${home.id}`;
  if (!(await connected(server, path))) return void wrong.push(`${home.id} is not connected again`);
  const granted = await subscriptions(server, path);
  if (granted === null) return void wrong.push(`${home.id}: its subscriptions are not granted again`);
  wrong.push(...home.subscriptions.compare(granted));
  home.open = true;
  // Whatever it says that it is subscribed to has to come.
  for (const topic of granted.keys())
    if (topic.startsWith("extra/")) await publish(world, home, topic, random.below(2) === 0 ? 1 : 2);
  if (!home.replaced) await verifyEvents(world, server, home, random.below(100));
  await verifyMessages(world, server, home, random.below(500));
  return undefined;
}

async function verifyEvents({ wrong }: World, server: Server, home: Home, back: number): Promise<void> {
  const path = `/connections/${home.id}/events`;
  const after = home.events.cursor(back);
  wrong.push(...home.events.compare(after, (await readAll(server, path, after, wrong)) ?? []));
}

async function connected(server: Server, path: string): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  for (let since = ""; performance.now() < deadline;) {
    const reply = await server.call("GET", `${path}${since}`);
    if (reply?.body.state === "connected") return true;
    since = `?wait=5&since=${reply?.body.version}`;
  }
  return false;
}

/** By topic filter, when all are granted; null when that does not come. */
async function subscriptions(server: Server, path: string): Promise<Map<string, boolean> | null> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const reply: Reply | null = await server.call("GET", `${path}/subscriptions`);
    const items: { topicFilter: string; grantedQos: number | null }[] = reply?.body.items ?? [];
    if (items.every(({ grantedQos }) => grantedQos === 2))
      return new Map(items.map(({ topicFilter }) => [topicFilter, true]));
  }
  return null;
}

/** Reads on from where a reader was until nothing is owed. */
async function verifyMessages(world: World, server: Server, home: Home, back: number): Promise<void> {
  const { wrong } = world;
  const path = `/connections/${home.id}/messages`;
  const after = home.messages.cursor(back);
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const read = (await readAll(server, path, after, wrong)) ?? [];
    wrong.push(...home.messages.compare(after, read));
    if (home.published.owed.length === 0) return;
    if (performance.now() > deadline) break;
    await server.call("GET", `${path}?wait=1&after=${home.messages.cursor(0) ?? "earliest"}`);
  }
  wrong.push(`messages of ${home.id}: acknowledged and missing: ${home.published.owed.join(", ")}`);
}
