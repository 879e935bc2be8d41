import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

/** A bare mqtt.js client that is connected, never reconnects, and ends without DISCONNECT with its scope. */
export async function connectClient(
  url: string,
  options: IClientOptions = {},
): Promise<MqttClient & AsyncDisposable> {
  const client = await mqtt.connectAsync(
    url,
    { connectTimeout: 10_000, ...options, reconnectPeriod: 0 },
    false,
  );
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.endAsync(true);
    },
  });
}

/** The next message that arrives. */
export async function nextMessage(client: MqttClient): Promise<{ topic: string; payload: Buffer }> {
  return await new Promise((resolve) => {
    client.once("message", (topic, payload) => resolve({ topic, payload }));
  });
}
