import mqtt, { type MqttClient } from "mqtt";
import { readEvents } from "../test/support/event-reader.ts";
import { startBroker, type Broker } from "./broker.ts";
import type { ClusterSizes } from "./cluster.ts";
import { ClusterStage } from "./cluster-stage.ts";
import { watchTakeOver } from "./cluster-watch.ts";
import { HttpConnection } from "./http-connection.ts";
import { ms, type Report } from "./report.ts";
import { median } from "./statistics.ts";

/** Of all nodes together. */
const connections = 60;

/** Milliseconds since the node was killed, of one round. */
interface Round {
  readonly noticed: number;
  /** Of each connection that it had: when the events of another node said that it is connected again. */
  readonly told: readonly number[];
  /** Of each: when the broker had it again. */
  readonly seen: readonly number[];
}

/** How soon each connection of a node that is killed is connected again at another one. */
export async function measureFailOver({ rounds }: ClusterSizes, report: Report): Promise<void> {
  await using broker = await startBroker({ log: true });
  const arrivals = await Arrivals.of(broker);
  await using stage = await ClusterStage.set(broker);
  const ids = Array.from({ length: connections }, (_, i) => `bench-${i}`);
  const [first] = stage.nodes;
  const http = await HttpConnection.open(first?.url ?? "");
  for (const id of ids)
    await http.call("PUT", `/connections/${id}`, 201, {
      ...{ url: broker.url, durable: true, clientId: id, cleanStart: false, log: { durable: true } },
      properties: { sessionExpiryInterval: 3_600 },
      subscriptions: [{ topicFilter: `${id}/#`, qos: 1 }],
    });
  http.close();
  const taken: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = stage.names[round % stage.names.length] ?? "";
    taken.push(await killOne(stage, name, ids, arrivals));
    await stage.start(name);
    await stage.settled();
  }
  tell(taken, report);
}

async function killOne(
  stage: ClusterStage,
  name: string,
  ids: readonly string[],
  arrivals: Arrivals,
): Promise<Round> {
  const ownerOf = await stage.owners();
  const own = new Set(ids.filter((id) => ownerOf(id) === name));
  if (own.size === 0) throw new Error(`The node ${name} has no connection`);
  const other = stage.names.find((each) => each !== name) ?? "";
  const controller = new AbortController();
  const url = new URL("/events?types=connected", stage.node(other).url);
  const accept = { accept: "text/event-stream" };
  await using events = readEvents(
    await fetch(url, { headers: accept, signal: controller.signal }),
    controller,
  );
  arrivals.forget();
  const killedAt = stage.kill(name);
  const watched = watchTakeOver(stage, name, killedAt, ids.length);
  const told = new Map<string, number>();
  while (told.size < own.size) {
    const { data } = await events.next("connected");
    const id = String(data.connection);
    if (own.has(id) && !told.has(id)) told.set(id, performance.now() - killedAt);
  }
  const { noticed } = await watched;
  const seen = await Promise.all([...own].map(async (id) => (await arrivals.when(id)) - killedAt));
  return { noticed, told: [...told.values()], seen };
}

/** When which client connected, as the broker's log says it. */
class Arrivals {
  readonly #at = new Map<string, number>();
  readonly #waiting = new Map<string, (at: number) => void>();

  private constructor(client: MqttClient) {
    client.on("message", (_, payload) => this.#take(payload.toString()));
  }

  static async of({ url }: Broker): Promise<Arrivals> {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
    const arrivals = new Arrivals(client);
    await client.subscribeAsync("$SYS/broker/log/N");
    return arrivals;
  }

  /** What was before is of no interest. */
  forget(): void {
    this.#at.clear();
  }

  async when(client: string): Promise<number> {
    return this.#at.get(client) ?? new Promise((resolve) => this.#waiting.set(client, resolve));
  }

  #take(line: string): void {
    const client = /New client connected from \S+ as (\S+)/.exec(line)?.[1];
    if (client === undefined) return;
    const now = performance.now();
    if (!this.#at.has(client)) this.#at.set(client, now);
    this.#waiting.get(client)?.(now);
    this.#waiting.delete(client);
  }
}

function tell(rounds: readonly Round[], report: Report): void {
  // A connection is there again when the broker has it and the cluster says so.
  const last = rounds.map(({ told, seen }) => Math.max(...told, ...seen));
  const all = rounds.flatMap(({ told }) => told);
  const worst = Math.max(...last);
  report({
    figure: `fail-over, ${connections} connections: until one of a killed node is connected again, median`,
    value: ms(median(all)),
    beside: `at the broker ${ms(median(rounds.flatMap(({ seen }) => seen)))}`,
    target: "5 s",
    met: median(all) <= 5_000,
  });
  report({
    figure: "  until all of them are: the median round, and the worst",
    value: `${ms(median(last))}, ${ms(worst)}`,
    beside: `${rounds.length} rounds, ${all.length} connections`,
    target: "10 s at worst",
    met: worst <= 10_000,
  });
  report({
    figure: "  until the node is taken for dead",
    value: ms(median(rounds.map(({ noticed }) => noticed))),
    beside: `at worst ${ms(Math.max(...rounds.map(({ noticed }) => noticed)))}`,
  });
}
