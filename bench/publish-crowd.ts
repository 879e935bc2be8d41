import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import { openConnections } from "./http-connection.ts";
import { openCallers, openConnection, refuseLoss } from "./publish-http.ts";
import type { PublishSizes } from "./publish-sizes.ts";
import type { Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { timeAll } from "./statistics.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

/** HTTP publish on one connection of many, beside a Connack that has no other; the others have a broker of their own. */
export async function measureCrowd(qos: 0 | 1, sizes: PublishSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using brokerOfCrowd = await startBroker();
  await using counter = startChild(program("light-readers.ts"));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  await using connack = await startConnack();
  await using alone = await startConnack();
  await using stack = new AsyncDisposableStack();
  await fill(connack, sizes.connections, brokerOfCrowd.url);
  const all: Contestant[] = [];
  for (const [name, server] of Object.entries({ connack, "with no other": alone })) {
    await openConnection(server, "bench", broker.url);
    const load = stack.use(startChild(program("http-load.ts")));
    await openCallers(load, server, { topic: "bench/http", qos }, sizes.callers);
    all.push(
      new Contestant(name, { server: server.pid, load: load.pid }, counter, (ms) =>
        load.ask<Turn>({ command: "run", ms }),
      ),
    );
  }
  await takeTurns(all, sizes);
  if (qos === 1) refuseLoss(all);
  const [many, one] = all as [Contestant, Contestant];
  tellRates(
    `HTTP publish, QoS ${qos}, with ${sizes.connections} other connections`,
    many,
    one,
    0.9,
    [],
    report,
  );
}

async function fill(server: Server, count: number, url: string): Promise<void> {
  const connections = await openConnections(server.url, 50);
  await timeAll(count, 50, (i, worker) =>
    connections[worker]!.call("POST", "/connections", 201, { id: `other-${i}`, url }),
  );
  for (const http of connections) http.close();
}
