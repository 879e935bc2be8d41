/** Publishes numbered messages at QoS 0 with as little work as can be. Commands: connect, publish. */
import { generate } from "mqtt-packet";
import { answerCommands } from "./child.ts";
import { numberAt, payloadText, renumber } from "./payload.ts";
import { openWire, type Wire } from "./wire.ts";

let wire: Wire | null = null;
let packet: Buffer = Buffer.alloc(0);
let sequence = 0;

/** So many packets in one piece, each with its number. */
function packets(count: number): Buffer {
  const bytes = Buffer.allocUnsafe(packet.length * count);
  const at = numberAt(packet);
  for (let i = 0; i < count; i += 1) {
    packet.copy(bytes, i * packet.length);
    renumber(bytes, i * packet.length + at, sequence++);
  }
  return bytes;
}

async function connect(url: string, topic: string): Promise<void> {
  const answered = Promise.withResolvers<void>();
  wire = await openWire(url, () => answered.resolve());
  const version = { protocolVersion: 5 };
  const clientId = `feeder-${crypto.randomUUID()}`;
  const fields = { cmd: "connect", clientId, clean: true, keepalive: 0 } as const;
  await wire.send(generate({ ...fields, protocolId: "MQTT", protocolVersion: 5 }, version));
  await answered.promise;
  packet = generate(
    { cmd: "publish", topic, payload: payloadText(0), qos: 0, retain: false, dup: false },
    version,
  );
}

answerCommands(async ({ command, url, topic, count }) => {
  if (command === "connect") await connect(String(url), String(topic));
  else await wire?.send(packets(Number(count)));
  return {};
});
