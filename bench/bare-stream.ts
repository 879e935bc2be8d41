/** The least that streams events: one string to every open ReadableStream; no log, no resuming, no bound. */
import { Hono } from "hono";
import { payloadText } from "./payload.ts";

const readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
const encoder = new TextEncoder();
const app = new Hono();
let sequence = 0;

app.get("/events", (c) => {
  let own: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      own = controller;
      readers.add(own);
      own.enqueue(encoder.encode(": open\n\n"));
    },
    cancel: () => void readers.delete(own),
  });
  return c.body(stream, 200, { "content-type": "text/event-stream" });
});

app.post("/emit", (c) => {
  sequence += 1;
  const data = JSON.stringify({ at: new Date().toISOString(), filler: "x".repeat(250) });
  const frame = encoder.encode(`id: bare-${sequence}\nevent: connected\ndata: ${data}\n\n`);
  for (const reader of readers) reader.enqueue(frame);
  return c.json({ sequence });
});

/** So many frames of messages to all, as they are numbered: each by itself, or joined as if they had come together. */
app.post("/flood", async (c) => {
  const { count, joined } = c.req.query();
  const frames = Array.from({ length: Number(count) }, () => {
    const message = { topic: "bench/messages", payload: payloadText(sequence), payloadEncoding: "utf8" };
    const rest = { qos: 0, retain: false, dup: false, properties: {} };
    sequence += 1;
    const id = `0123456789ab-${sequence}`;
    const data = JSON.stringify({ id, at: new Date().toISOString(), ...message, ...rest });
    return encoder.encode(`id: ${id}\nevent: message\ndata: ${data}\n\n`);
  });
  for (const frame of joined === "yes" ? [Buffer.concat(frames)] : frames) {
    for (const reader of readers) reader.enqueue(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return c.json({ sequence });
});

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: app.fetch });
process.stdout.write(`listening on ${server.url.href}\n`);
