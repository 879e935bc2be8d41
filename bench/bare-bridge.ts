/** The least that bridges HTTP to MQTT: Hono and mqtt.js, one handler a call, no checks, no events, no view. */
import { Hono } from "hono";
import mqtt, { type MqttClient } from "mqtt";

const clients = new Map<string, MqttClient>();
const app = new Hono();

app.post("/connections", async (c) => {
  const { id, url } = await c.req.json<{ id: string; url: string }>();
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 });
  const connack = await new Promise((resolve) => client.once("connect", resolve));
  clients.set(id, client);
  return c.json({ id, connack }, 201);
});

app.delete("/connections/:id", async (c) => {
  await clients.get(c.req.param("id"))?.endAsync();
  return c.json({ deleted: clients.delete(c.req.param("id")) });
});

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch });
process.stdout.write(`listening on ${server.url.href}\n`);
