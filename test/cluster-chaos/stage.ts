import { connectClient } from "../support/mqtt-client.ts";
import { startMosquitto, type Mosquitto } from "../support/mosquitto.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { freePort } from "../support/free-port.ts";
import { secretKey } from "../support/durable-app.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { ChainWatch } from "./chain-watch.ts";
import { ClientWatch } from "./client-watch.ts";
import { ChaosNode } from "./node.ts";
import type { MqttClient } from "mqtt";

/** All that runs, and all that looks on. */
export interface Stage extends AsyncDisposable {
  readonly nats: Nats;
  readonly broker: Mosquitto;
  /** In front of the broker, for Connack; whoever else goes to the broker itself. */
  readonly clients: ClientWatch;
  readonly chain: ChainWatch;
  readonly nodes: readonly ChaosNode[];
  /** Publishes to the broker, and reads what Connack publishes. */
  readonly outside: MqttClient;
}

const names = ["a", "b", "c"] as const;
const stream = "connack";
/** Of all that happens, without a line for each message. */
const brokerLog = ["none", "error", "warning", "notice", "information"].map((type) => `log_type ${type}`);

export async function setStage(runtime: RuntimeName): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const nats = opened.use(await startNats({ servers: 3, partitions: true }));
  const broker = opened.use(
    await startMosquitto({ persistence: true, extra: ["max_inflight_messages 100", ...brokerLog] }),
  );
  const clients = opened.use(await ClientWatch.start(broker.port));
  const chain = opened.use(await ChainWatch.start(await nats.connect(), stream));
  const outside = opened.use(
    await connectClient(broker.url, { protocolVersion: 5, clientId: "outside", keepalive: 60 }),
  );
  const environment = {
    CONNACK_SECRET_KEY: secretKey,
    CONNACK_LOG_LEVEL: "info",
    CONNACK_LOG_FORMAT: "json",
    CONNACK_HEARTBEAT_MS: "2000",
  };
  const nodes = await Promise.all(
    names.map(async (name) => {
      const port = await freePort();
      return opened.use(await ChaosNode.start({ name, port, runtime, nats, environment }));
    }),
  );
  const all = opened.move();
  return {
    ...{ nats, broker, clients, chain, nodes, outside },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What mosquitto says of itself. */
export function versionOf(broker: Mosquitto): string {
  return / version (\S+) /.exec(broker.log())?.[1] ?? "unknown";
}
