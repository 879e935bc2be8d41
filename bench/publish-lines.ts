import { startBroker, type Broker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import { HttpConnection } from "./http-connection.ts";
import { openConnection, refuseLoss } from "./publish-http.ts";
import type { PublishSizes } from "./publish-sizes.ts";
import type { Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";
import { now } from "./wire.ts";

/** As many as Connack lets be unacknowledged (`CONNACK_SEND_QUOTA`). */
const window = 1_000;

/** Who hears the messages: with a subscriber it is mosquitto that bounds how many go in a second, for everyone. */
type Audience = "one subscriber" | "nobody subscribed";
const topics = { "one subscriber": "bench/lines", "nobody subscribed": "unheard/lines" } as const;

/** A message a line over one HTTP connection, beside mqtt.js that publishes in a loop. */
export async function measureLines(qos: 0 | 1, sizes: PublishSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using counter = startChild(program("light-readers.ts"));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  await using raw = startChild(program("mqtt-publisher.ts"));
  await raw.ask({ command: "connect", url: broker.url });
  await using connack = await startConnack();
  await using other = sizes.against === undefined ? null : await startConnack(sizes.against);
  await using stack = new AsyncDisposableStack();
  const by = new Map<Audience, Contestant[]>();
  for (const audience of ["one subscriber", "nobody subscribed"] as const) {
    const common = { qos, audience, broker, counter };
    const contestants = [ofRaw(raw, common)];
    for (const [name, server] of Object.entries({ connack, "other checkout": other })) {
      if (server === null) continue;
      const load = stack.use(startChild(program("line-load.ts")));
      contestants.push(await overHttp(name, server, load, common));
    }
    by.set(audience, contestants);
  }
  await takeTurns([...by.values()].flat(), sizes);
  for (const [audience, contestants] of by) {
    if (qos === 1) refuseLoss(contestants);
    const [base, ours, ...others] = contestants as [Contestant, Contestant, ...Contestant[]];
    tellRates(`NDJSON publish, QoS ${qos}, ${audience}`, ours, base, qos === 0 ? 0.4 : 0.5, others, report);
  }
}

interface Common {
  readonly qos: 0 | 1;
  readonly audience: Audience;
  readonly broker: Broker;
  readonly counter: Child;
}

function ofRaw(raw: Child, { qos, audience, broker, counter }: Common): Contestant {
  const heard = audience === "one subscriber";
  const pids = { publisher: raw.pid, mosquitto: broker.pid, ...(heard ? { subscriber: counter.pid } : {}) };
  const run = (ms: number) => raw.ask<Turn>({ command: "run", topic: topics[audience], qos, ms, window });
  return new Contestant("raw mqtt.js", pids, heard ? counter : null, run);
}

async function overHttp(
  name: string,
  server: Server,
  load: Child,
  { qos, audience, broker, counter }: Common,
): Promise<Contestant> {
  const heard = audience === "one subscriber";
  const id = heard ? "heard" : "unheard";
  await openConnection(server, id, broker.url);
  const path = `/connections/${id}/publish`;
  const { pid } = server;
  const shared = { mosquitto: broker.pid, ...(heard ? { subscriber: counter.pid } : {}) };
  const pids = { server: pid, load: load.pid, ...shared };
  return new Contestant(name, pids, heard ? counter : null, async (ms) => {
    const topic = topics[audience];
    const turn = await load.ask<Turn>({ command: "run", url: server.url, path, topic, qos, ms });
    if (qos === 1) return turn;
    // Acknowledged when the broker has taken all that came before, which mqtt.js waits for, too.
    const http = await HttpConnection.open(server.url);
    await http.call("POST", path, 200, { topic: "unheard/fence", payload: "", qos: 1 });
    http.close();
    return { ...turn, endedAt: now() };
  });
}
