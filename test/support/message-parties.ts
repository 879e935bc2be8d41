import assert from "node:assert/strict";
import type { IClientPublishOptions, MqttClient } from "mqtt";
import { itHolds, type Rig } from "./invariants.ts";
import { messages, subscribe, type MessageView } from "./message-calls.ts";
import { type Mosquitto, startMosquitto } from "./mosquitto.ts";
import { connectClient } from "./mqtt-client.ts";
import { needs } from "./needs.ts";

/** A connection `home` on a real broker, and a client that is not ours on the other side. */
export interface Parties extends Rig {
  readonly mosquitto: Mosquitto;
  readonly other: MqttClient;
  /** Publishes from the other side; resolves when the broker has the message. */
  readonly say: (
    topic: string,
    payload: string | Buffer,
    options?: Partial<IClientPublishOptions>,
  ) => Promise<void>;
}

interface Options {
  /** Of `home`, besides id and url; null opens none. */
  readonly request?: object | null;
  readonly timeout?: number;
  readonly environment?: Record<string, string>;
  /** Further lines for the broker's configuration. */
  readonly broker?: readonly string[];
}

/** As `itHolds`, with the parties. */
export function itMeets(
  name: string,
  body: (parties: Parties) => Promise<void>,
  options: Options = {},
): void {
  const { request = {}, environment, broker: extra = [], ...rest } = options;
  const run = async (rig: Rig) => {
    await using mosquitto = await startMosquitto({ extra });
    await using other = await connectClient(mosquitto.url, { protocolVersion: 5 });
    if (request !== null) {
      const opened = await rig.open({ id: "home", url: mosquitto.url, ...request });
      assert.equal(opened.status, 201, opened.text);
    }
    const say: Parties["say"] = async (topic, payload, publishing = {}) => {
      await other.publishAsync(topic, payload, { qos: 1, ...publishing });
    };
    await body({ ...rig, mosquitto, other, say });
  };
  const env = environment === undefined ? {} : { environment: () => environment };
  itHolds(name, run, { skip: needs("mosquitto"), ...env, ...rest });
}

/** All that has come by now: what was published before stands before a last message that is not among them. */
export async function allArrived(parties: Parties, cursor = ""): Promise<MessageView[]> {
  const last = `last/${crypto.randomUUID()}`;
  assert.equal((await subscribe(parties, last, { qos: 1 })).status, 201);
  await parties.say(last, "");
  const items: MessageView[] = [];
  let after = cursor;
  for (;;) {
    const [item] = await messages(parties, 1, after);
    const rest = await parties.call("GET", `/connections/home/messages?limit=1000&after=${item.id}`);
    items.push(item, ...rest.body.items);
    const end = items.findIndex(({ topic }) => topic === last);
    if (end >= 0) return items.slice(0, end);
    after = rest.body.next;
  }
}

/** What their payloads say. */
export const payloads = (items: readonly MessageView[]): string[] => items.map(({ payload }) => payload);
