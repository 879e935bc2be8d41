import { HttpConnection } from "./http-connection.ts";
import type { Report } from "./report.ts";
import { startBare, startConnack, type Server } from "./servers.ts";
import { Stage } from "./stage.ts";
import { tellRates } from "./tell-rates.ts";
import { takeTurns, type Contestant, type TurnSizes } from "./turns.ts";

export interface MessageSizes extends TurnSizes {
  /** Readers at once. */
  readonly readers: readonly number[];
  /** Messages that are on their way to readers at once; of many readers fewer, when it is not said. */
  readonly ahead: number | undefined;
  readonly only: readonly string[];
  readonly against: string | undefined;
}

const topic = "bench/messages";
const path = "/connections/bench/messages";

/** How many messages a second come to readers of one subscription: to one, and to many. */
export async function measureMessages(sizes: MessageSizes, report: Report): Promise<void> {
  for (const readers of sizes.readers) {
    if (sizes.only.length > 0 && !sizes.only.includes(String(readers))) continue;
    if (readers === 1) await toOne(sizes, report);
    else await toMany(readers, sizes, report);
  }
}

async function ofConnack(stage: Stage, name: string, server: Server): Promise<Contestant> {
  const own = `${topic}/${name.replaceAll(" ", "-")}`;
  const http = await HttpConnection.open(server.url);
  await http.call("POST", "/connections", 201, {
    id: "bench",
    url: stage.broker.url,
    subscriptions: [{ topicFilter: own }],
    log: { messages: 100_000, bytes: 67_108_864 },
  });
  http.close();
  const readers = await stage.open("light-readers.ts", "sse", server.url, path);
  const { publish, pid } = await stage.feeder(own);
  return stage.contestant(
    name,
    { server: server.pid, mosquitto: stage.broker.pid, publisher: pid },
    readers,
    { publish },
  );
}

async function connacks(stage: Stage, against: string | undefined): Promise<[Contestant, ...Contestant[]]> {
  const ours = await ofConnack(stage, "connack", stage.keep(await startConnack()));
  if (against === undefined) return [ours];
  return [ours, await ofConnack(stage, "other checkout", stage.keep(await startConnack(against)))];
}

async function toOne(sizes: MessageSizes, report: Report): Promise<void> {
  await using stage = await Stage.set(1, sizes.ahead);
  const { url, pid: mosquitto } = stage.broker;
  const subscriber = await stage.open("mqtt-subscriber.ts", "mqtt", url, `${topic}/raw`);
  const { publish, pid } = await stage.feeder(`${topic}/raw`);
  const raw = stage.contestant("raw mqtt.js", { mosquitto, publisher: pid }, subscriber, { publish });
  const [ours, ...others] = await connacks(stage, sizes.against);
  await takeTurns([raw, ours, ...others], sizes);
  tellRates("messages to one SSE reader", ours, raw, 0.6, others, report);
}

async function toMany(count: number, sizes: MessageSizes, report: Report): Promise<void> {
  await using stage = await Stage.set(count, sizes.ahead);
  const { webSocketUrl, pid: mosquitto } = stage.broker;
  const bare: Contestant[] = [];
  for (const joined of ["no", "yes"]) {
    const server = stage.keep(await startBare("bare-stream.ts"));
    const readers = await stage.open("light-readers.ts", "sse", server.url, "/events");
    const http = await HttpConnection.open(server.url);
    const publish = (some: number) => http.call("POST", `/flood?count=${some}&joined=${joined}`, 200);
    const name = joined === "yes" ? "bare stream, frames joined" : "bare stream";
    bare.push(stage.contestant(name, { server: server.pid }, readers, { publish }));
  }
  const sockets: Contestant[] = [];
  if (count <= 100) {
    const readers = await stage.open("light-readers.ts", "ws", webSocketUrl, `${topic}/ws`);
    const { publish, pid } = await stage.feeder(`${topic}/ws`);
    sockets.push(
      stage.contestant("mosquitto over WebSocket", { mosquitto, publisher: pid }, readers, { publish }),
    );
  }
  const [ours, ...rest] = await connacks(stage, sizes.against);
  const [base, ...others] = [...bare, ...sockets, ...rest] as [Contestant, ...Contestant[]];
  await takeTurns([base, ours, ...others], sizes);
  tellRates(`events to ${count} SSE readers`, ours, base, 0.8, others, report);
}
