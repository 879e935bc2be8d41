/** mqtt.js that publishes in a loop, for as long as it is told. Commands: connect, run. */
import { once } from "node:events";
import mqtt, { type MqttClient } from "mqtt";
import { answerCommands } from "./child.ts";
import { cycle, payloadText } from "./payload.ts";
import { now } from "./wire.ts";

const payloads = Array.from({ length: cycle }, (_, sequence) => Buffer.from(payloadText(sequence)));
let sequence = 0;
let client: MqttClient | null = null;

const next = () => payloads[sequence++ % cycle]!;

/**
 * As fast as the network takes it: a loop that waits while the socket is full. Over when the broker has taken all, which
 * it shows by the acknowledgement of one more message.
 */
async function atMostOnce(client: MqttClient, topic: string, until: number): Promise<number> {
  let sent = 0;
  while (now() < until) {
    for (let i = 0; i < 64; i += 1) client.publish(topic, next(), { qos: 0 });
    sent += 64;
    if (client.stream.writableNeedDrain) await once(client.stream, "drain");
  }
  await client.publishAsync("unheard/fence", "", { qos: 1 });
  return sent;
}

/** With so many unacknowledged; the next one goes when one is acknowledged. */
function atLeastOnce(client: MqttClient, topic: string, until: number, window: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let acknowledged = 0;
    const answered = (error?: Error | null) => {
      if (error) reject(error);
      acknowledged += 1;
      if (now() < until) send();
      else if (acknowledged === sent) resolve(sent);
    };
    const send = () => {
      sent += 1;
      client.publish(topic, next(), { qos: 1 }, answered);
    };
    for (let i = 0; i < window; i += 1) send();
  });
}

answerCommands(async ({ command, url, topic, qos, ms, window }) => {
  if (command === "connect") {
    client = mqtt.connect(String(url), { protocolVersion: 5, reconnectPeriod: 0 });
    await new Promise<void>((resolve) => client?.once("connect", () => resolve()));
    return {};
  }
  if (client === null) throw new Error("Not connected");
  const startedAt = now();
  const until = startedAt + Number(ms);
  const count =
    qos === 0
      ? await atMostOnce(client, String(topic), until)
      : await atLeastOnce(client, String(topic), until, Number(window));
  return { count, startedAt, endedAt: now(), wrong: null };
});
