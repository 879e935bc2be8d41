/** mqtt.js by itself in one process: what Connack is held against. Commands: sequential, hold, release. */
import mqtt, { type MqttClient } from "mqtt";
import { answerCommands } from "./child.ts";
import { timeAll, timed } from "./statistics.ts";

const options = { protocolVersion: 5, keepalive: 60, reconnectPeriod: 0 } as const;
const held: MqttClient[] = [];

async function open(url: string): Promise<MqttClient> {
  const client = mqtt.connect(url, options);
  await new Promise<void>((resolve) => {
    client.once("connect", () => resolve());
  });
  return client;
}

/** Connects one after the other; milliseconds of each, to its CONNACK. */
async function sequential(url: string, count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i += 1) {
    let client: MqttClient | undefined;
    taken.push(
      await timed(async () => {
        client = await open(url);
      }),
    );
    await client?.endAsync();
  }
  return taken;
}

/** Connects and stays connected; milliseconds for all. */
async function hold(url: string, count: number, concurrency: number): Promise<number> {
  return timeAll(count, concurrency, async () => {
    held.push(await open(url));
  });
}

async function release(): Promise<void> {
  await Promise.all(held.splice(0).map((client) => client.endAsync()));
}

answerCommands(async ({ command, url, count, concurrency }) => {
  if (command === "sequential") return sequential(String(url), Number(count));
  if (command === "hold") return { ms: await hold(String(url), Number(count), Number(concurrency)) };
  await release();
  return {};
});
