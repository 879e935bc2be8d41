import { startBroker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import { HttpConnection } from "./http-connection.ts";
import { payloadText } from "./payload.ts";
import type { PublishSizes } from "./publish-sizes.ts";
import type { Report } from "./report.ts";
import { startBare, startConnack, type Server } from "./servers.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

/** One message a request, from many callers at once: beside a POST that does nothing, and a bare bridge. */
export function measureHttp(qos: 0 | 1, sizes: PublishSizes, report: Report): Promise<void> {
  return measure(qos, "bench/http", sizes, report);
}

/** The same to a topic to which nobody is subscribed: no processor time for arrivals, which nobody counts. */
export function measureUnheard(qos: 0 | 1, sizes: PublishSizes, report: Report): Promise<void> {
  return measure(qos, "unheard/http", sizes, report);
}

async function measure(qos: 0 | 1, topic: string, sizes: PublishSizes, report: Report): Promise<void> {
  const heard = topic.startsWith("bench/");
  await using broker = await startBroker();
  await using counter = startChild(program("light-readers.ts"));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  await using bare = await startBare("bare-bridge.ts");
  await using connack = await startConnack();
  await using other = sizes.against === undefined ? null : await startConnack(sizes.against);
  const servers = [
    { name: "connack", server: connack },
    { name: "bare Hono + mqtt.js", server: bare },
    ...(other === null ? [] : [{ name: "other checkout", server: other }]),
  ];
  await using stack = new AsyncDisposableStack();
  const newLoad = () => stack.use(startChild(program("http-load.ts")));
  const publishing: Contestant[] = [];
  for (const { name, server } of servers) {
    await openConnection(server, "bench", broker.url);
    const load = newLoad();
    await openCallers(load, server, { topic, qos }, sizes.callers);
    const shared = { mosquitto: broker.pid, ...(heard ? { subscriber: counter.pid } : {}) };
    publishing.push(
      new Contestant(name, { server: server.pid, load: load.pid, ...shared }, heard ? counter : null, (ms) =>
        load.ask<Turn>({ command: "run", ms }),
      ),
    );
  }
  const idle = newLoad();
  // A JSON text of as many bytes.
  const body = JSON.stringify(payloadText(0).slice(2));
  const { callers: count } = sizes;
  await idle.ask({
    command: "prepare",
    url: bare.url,
    path: "/no-op",
    type: "application/json",
    body,
    count,
  });
  const noOp = new Contestant("no-op POST", { server: bare.pid, load: idle.pid }, null, (ms) =>
    idle.ask<Turn>({ command: "run", ms }),
  );
  await takeTurns([noOp, ...publishing], sizes);
  const [ours, ...others] = publishing as [Contestant, ...Contestant[]];
  if (qos === 1) refuseLoss(publishing);
  const figure = `HTTP publish, QoS ${qos}, ${count} callers${heard ? "" : ", nobody subscribed"}`;
  tellRates(figure, ours, noOp, qos === 0 ? 0.6 : 0.5, others, report);
}

export async function openConnection(server: Server, id: string, url: string): Promise<void> {
  const http = await HttpConnection.open(server.url, server.fields);
  await http.call("POST", "/connections", 201, { id, url });
  http.close();
}

interface Publishing {
  readonly topic: string;
  readonly qos: number;
  readonly queue?: number;
  readonly connection?: string;
}

/** Has callers ready who publish raw payloads over the connection `bench`, or another one. */
export async function openCallers(
  load: Child,
  { url, fields }: Server,
  { topic, qos, queue, connection = "bench" }: Publishing,
  count: number,
): Promise<void> {
  const when = queue === undefined ? "" : `&queue=${queue}`;
  const path = `/connections/${connection}/publish?topic=${topic}&qos=${qos}${when}`;
  // curl's type, which is none of the message's.
  const type = "application/x-www-form-urlencoded";
  await load.ask({ command: "prepare", url, path, type, body: payloadText(0), count, fields });
}

/** What was acknowledged must have arrived. */
export function refuseLoss(all: readonly Contestant[]): void {
  for (const { name, lost } of all) if (lost !== 0) throw new Error(`${name} lost ${lost} at QoS 1`);
}
