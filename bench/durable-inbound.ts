import { program, startChild } from "./child.ts";
import type { DurableSizes } from "./durable.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

/** Messages of each connection that the broker has sent and that are not acknowledged. */
const window = 100;

/** QoS 1 messages acknowledged in a second when they are kept, beside the same connections that keep nothing. */
export async function measureInbound(
  connections: number,
  sizes: DurableSizes,
  report: Report,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contestant = async (name: string, server: Server, durable: boolean) => {
    const broker = stack.use(startChild(program("ack-broker.ts")));
    const { url } = await broker.ask<{ url: string }>({ command: "listen", window });
    const http = await HttpConnection.open(server.url);
    for (let i = 0; i < connections; i += 1)
      await http.call("PUT", `/connections/bench-${i}`, 201, {
        url,
        durable,
        properties: { receiveMaximum: window },
        log: { durable },
        subscriptions: [{ topicFilter: "bench/#", qos: 1 }],
      });
    http.close();
    return new Contestant(name, { server: server.pid, broker: broker.pid }, null, (ms) =>
      broker.ask<Turn>({ command: "run", ms }),
    );
  };
  const start = async (store: "memory" | "sqlite", checkout?: string) =>
    stack.use(await startConnack(checkout, { store }));
  const base = await contestant("not durable", await start("memory"), false);
  const ours = await contestant("connack", await start("sqlite"), true);
  const others =
    sizes.against === undefined
      ? []
      : [await contestant("other checkout", await start("sqlite", sizes.against), true)];
  await takeTurns([base, ours, ...others], sizes);
  const figure = `durable messages, QoS 1, ${connections} connection${connections === 1 ? "" : "s"}, ${window} unacknowledged`;
  tellRates(figure, ours, base, connections === 1 ? 0.6 : 0.8, others, report);
}
