/** mqtt.js that subscribes and counts. Commands: open, reached, counts; as `light-readers.ts` answers them. */
import mqtt, { type MqttClient } from "mqtt";
import { answerCommands } from "./child.ts";
import { numberAt, payloadText, PayloadCounter } from "./payload.ts";
import { Progress } from "./progress.ts";

const counter = new PayloadCounter();
const progress = new Progress();
const at = numberAt(Buffer.from(payloadText(0)));
let client: MqttClient | null = null;

answerCommands(async ({ command, url, target, count }) => {
  if (command === "reached") return progress.reached(Number(count));
  if (command === "counts") return { total: progress.count, breaks: counter.breaks, equal: true };
  if (command === "close") {
    await client?.endAsync();
    return {};
  }
  client = mqtt.connect(String(url), { protocolVersion: 5, reconnectPeriod: 0 });
  client.on("message", (_, payload) => {
    counter.saw(Number(payload.toString("latin1", at, at + 5)));
    progress.add(1);
  });
  await new Promise<void>((resolve) => client?.once("connect", () => resolve()));
  await client.subscribeAsync(String(target), { qos: 0 });
  return {};
});
