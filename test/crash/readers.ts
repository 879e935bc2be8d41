import type { Server } from "./server.ts";
import type { Shown, ToldLog } from "./told-log.ts";
import type { Home, World } from "./world.ts";

/** All pages of a log behind a cursor; null when the server was killed meanwhile. */
export async function readAll(
  server: Server,
  path: string,
  after: string | null,
  wrong: string[],
): Promise<Shown[] | null> {
  const all: Shown[] = [];
  for (let cursor = after ?? "earliest"; ;) {
    const reply = await server.call("GET", `${path}?format=json&limit=1000&after=${cursor}`);
    if (reply === null) return null;
    if (reply.status !== 200) throw new Error(`GET ${path}: ${JSON.stringify(reply.body)}`);
    if (reply.body.gap !== undefined && reply.body.gap !== null)
      wrong.push(`${path} after ${cursor}: a gap, ${JSON.stringify(reply.body.gap)}`);
    all.push(...reply.body.items);
    if (reply.body.items.length === 0) return all;
    cursor = reply.body.next;
  }
}

/** Reads messages page by page until the server is killed, and notes what it was shown. */
export async function pollMessages(world: World, server: Server, home: Home): Promise<void> {
  let cursor = home.messages.cursor(0);
  while (!server.killed) {
    const from = cursor === null ? "" : `&after=${cursor}`;
    const reply = await server.call("GET", `/connections/${home.id}/messages?wait=1&limit=7${from}`);
    if (reply === null || reply.status !== 200) return;
    for (const item of reply.body.items as Shown[]) world.wrong.push(...home.messages.note(item));
    cursor = reply.body.next;
  }
}

/** Reads a stream until the server is killed, and notes what it was shown. */
export async function follow(world: World, server: Server, path: string, log: ToldLog): Promise<void> {
  const cursor = log.cursor(0);
  const resume = cursor === null ? "" : `?lastEventId=${cursor}`;
  const stream = await server.stream(`${path}${resume}`);
  if (stream === null) return;
  await stream.ended;
  for (const { id, type, data } of stream.seen) {
    if (type === "gap") world.wrong.push(`${path} after ${cursor}: a gap, ${JSON.stringify(data)}`);
    else if (id !== undefined && type !== "snapshot") world.wrong.push(...log.note(data));
  }
}
