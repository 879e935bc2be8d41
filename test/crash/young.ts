import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { identityOf } from "./load.ts";
import type { Random } from "./random.ts";
import { Server } from "./server.ts";
import type { World } from "./world.ts";

/** Kills a server on a store of its own while it makes it, often; then one starts, keeps a connection, and is killed. */
export async function killYoung(world: World, random: Random): Promise<void> {
  const file = join(world.directory, `young-${world.next()}`, "connack.db");
  for (let times = 1 + random.below(2); times > 0; times -= 1) {
    const server = new Server(world.runtime, file);
    await passed(random.below(world.runtime === "deno" ? 600 : 350));
    await server.kill();
  }
  const first = new Server(world.runtime, file);
  try {
    await first.listening();
    const put = await first.call("PUT", "/connections/young", { url: world.broker.url });
    if (put?.status !== 201) world.wrong.push(`${file}: PUT was answered ${JSON.stringify(put)}`);
    await first.kill();
    const second = new Server(world.runtime, file);
    try {
      await second.listening();
      const got = await second.call("GET", "/connections/young");
      const [was, is] = [put, got].map((reply) => reply && JSON.stringify(identityOf(reply)));
      if (was !== is) world.wrong.push(`${file}: the connection was ${was}, and is ${is}`);
      world.wrong.push(...second.complaints);
    } finally {
      await second.kill();
    }
  } finally {
    await first.kill();
  }
}
