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

/** No bridge at all: what the server and the framework take of a POST. */
app.post("/no-op", async (c) => {
  await c.req.json();
  return c.json({ ok: true });
});

app.post("/connections/:id/publish", async (c) => {
  const client = clients.get(c.req.param("id"));
  const { topic = "", qos } = c.req.query();
  const payload = Buffer.from(await c.req.arrayBuffer());
  if (qos !== "1") {
    client?.publish(topic, payload, { qos: 0 });
    return c.json({ qos: 0 }, 202);
  }
  const puback = await client?.publishAsync(topic, payload, { qos: 1 });
  return c.json({ packetId: puback?.messageId, reasonCode: 0 });
});

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: app.fetch });
process.stdout.write(`listening on ${server.url.href}\n`);
