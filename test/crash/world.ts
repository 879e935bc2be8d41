import type { MqttClient } from "mqtt";
import type { Mosquitto } from "../support/mosquitto.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { Promised } from "./promised.ts";
import { Published } from "./published.ts";
import { ToldLog } from "./told-log.ts";

/** What was shown of a connection that must not change. */
export interface Identity {
  readonly clientId: string;
  readonly createdAt: string;
}

/** A connection that lives over all crashes, and keeps its messages. */
export interface Home {
  readonly id: string;
  readonly request: object;
  /** It is replaced now and then, and goes on with its messages; its events and further subscriptions do not. */
  readonly replaced: boolean;
  readonly published: Published;
  readonly messages: ToldLog;
  readonly events: ToldLog;
  readonly subscriptions: Promised<boolean>;
  /** The broker has its subscription, so that what it acknowledges has to arrive. */
  open: boolean;
}

/** All that outlives the crashes: the broker, the store, and what was said to whom. */
export interface World {
  readonly runtime: RuntimeName;
  readonly directory: string;
  readonly file: string;
  readonly broker: Mosquitto;
  readonly publisher: MqttClient;
  readonly homes: readonly Home[];
  /** What was answered 202; it has to come to the outside. */
  readonly queued: Published;
  readonly connections: Promised<Identity>;
  readonly events: ToldLog;
  /** Requests that were answered, with the answers, by their Idempotency-Key. */
  readonly answered: Map<string, { readonly request: object; readonly answer: string }>;
  /** What was found wrong. */
  readonly wrong: string[];
  /** Numbers that make names unique. */
  next(): number;
}

/** A reason code of PUBACK and PUBREC (MQTT 5 §3.4.2.1). */
const quotaExceeded = 0x97;
const versions = ["5", "3.1.1", "5"] as const;

export function homes(broker: Mosquitto): Home[] {
  return versions.map((protocolVersion, n) => {
    const id = `home-${n}`;
    const published = new Published(`messages of ${id}`);
    return {
      id,
      replaced: n === 2,
      request: {
        url: broker.url,
        protocolVersion,
        cleanStart: false,
        // Before version 5 a session that is not clean stays anyway.
        ...(protocolVersion === "5" ? { properties: { sessionExpiryInterval: 86_400 } } : {}),
        clientId: `crash-${id}`,
        subscriptions: [{ topicFilter: `load/${n}/#`, qos: 2 }],
        log: { durable: true, messages: 20_000, bytes: 16_777_216 },
      },
      published,
      messages: new ToldLog(`messages of ${id}`, ({ id, payload = "" }) => published.read(payload, id)),
      events: new ToldLog(`events of ${id}`),
      subscriptions: new Promised(`the subscription of ${id} to`),
      open: false,
    };
  });
}

/** Publishes one message to a home, and notes when the broker has it. */
export async function publish(world: World, home: Home, topic: string, qos: 1 | 2): Promise<void> {
  const payload = `m${world.next()}-q${qos}`;
  home.published.send(payload, topic, qos);
  const refused = await world.publisher.publishAsync(topic, payload, { qos }).then(
    () => null,
    (error: unknown) => error,
  );
  if (refused === null) home.published.acknowledge(payload);
  // Mosquitto says so of all subscribers when one of them is just going; it promises nothing then.
  else if ((refused as { code?: unknown }).code !== quotaExceeded) throw refused;
}
