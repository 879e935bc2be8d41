import { startBroker, type Broker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import { HttpConnection } from "./http-connection.ts";
import { feeding, type Feed } from "./feed.ts";
import type { Report } from "./report.ts";
import { startBare, startConnack, type Server } from "./servers.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type TurnSizes } from "./turns.ts";

export interface MessageSizes extends TurnSizes {
  /** Readers at once. */
  readonly readers: readonly number[];
  readonly only: readonly string[];
  readonly against: string | undefined;
}

const topic = "bench/messages";
const path = "/connections/bench/messages";
/** Events that are on their way to readers at once, or a few messages at least. */
const mostUnderWay = 32_768;

/** How many messages a second come to readers of one subscription: to one, and to many. */
export async function measureMessages(sizes: MessageSizes, report: Report): Promise<void> {
  for (const readers of sizes.readers) {
    if (sizes.only.length > 0 && !sizes.only.includes(String(readers))) continue;
    if (readers === 1) await toOne(sizes, report);
    else await toMany(readers, sizes, report);
  }
}

/** What takes part besides whoever delivers. */
class Stage implements AsyncDisposable {
  readonly broker: Broker;
  readonly #stack: AsyncDisposableStack;
  readonly #readers: number;

  private constructor(broker: Broker, stack: AsyncDisposableStack, readers: number) {
    this.broker = broker;
    this.#stack = stack;
    this.#readers = readers;
  }

  static async set(readers: number): Promise<Stage> {
    const stack = new AsyncDisposableStack();
    const broker = stack.use(await startBroker({ webSocket: true }));
    return new Stage(broker, stack, readers);
  }

  keep<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part);
  }

  /** Readers of one kind, as many as there are to be. */
  async open(name: string, kind: string, url: string, target: string, count = this.#readers): Promise<Child> {
    const child = this.keep(startChild(program(name)));
    await child.ask({ command: "open", kind, url, target, count });
    return child;
  }

  /** Messages out of a publisher process, by way of the broker, on a topic of their own. */
  async feeder(
    topic: string,
  ): Promise<{ readonly publish: (count: number) => Promise<unknown>; readonly pid: number }> {
    const feeder = this.keep(startChild(program("feeder.ts")));
    await feeder.ask({ command: "connect", url: this.broker.url, topic });
    return { publish: (count) => feeder.ask({ command: "publish", count }), pid: feeder.pid };
  }

  contestant(
    name: string,
    pids: Readonly<Record<string, number>>,
    readers: Child,
    feed: Omit<Feed, "readers" | "each" | "underWay">,
  ): Contestant {
    const each = this.#readers;
    const underWay = Math.max(16, Math.floor(mostUnderWay / each));
    return new Contestant(
      name,
      { ...pids, readers: readers.pid },
      null,
      feeding({ ...feed, readers, each, underWay }),
    );
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#stack.disposeAsync();
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
  await using stage = await Stage.set(1);
  const { url, pid: mosquitto } = stage.broker;
  const subscriber = await stage.open("mqtt-subscriber.ts", "mqtt", url, `${topic}/raw`);
  const { publish, pid } = await stage.feeder(`${topic}/raw`);
  const raw = stage.contestant("raw mqtt.js", { mosquitto, publisher: pid }, subscriber, { publish });
  const [ours, ...others] = await connacks(stage, sizes.against);
  await takeTurns([raw, ours, ...others], sizes);
  tellRates("messages to one SSE reader", ours, raw, 0.6, others, report);
}

async function toMany(count: number, sizes: MessageSizes, report: Report): Promise<void> {
  await using stage = await Stage.set(count);
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
