import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { needs } from "./needs.ts";
import { startNats } from "./nats.ts";
import { describe, it } from "./test.ts";

const skip = needs("nats");

describe("startNats()", () => {
  it(
    "starts one server, which takes a publish",
    async () => {
      const t = performance.now();
      await using nats = await startNats();
      console.log("started", performance.now() - t);
      const client = await nats.connect();
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "S", subjects: ["s.>"] });
      const { seq } = await jetstream(client).publish("s.1", "one");
      assert.equal(seq, 1);
      await client.close();
    },
    { skip },
  );

  it(
    "starts three servers",
    async () => {
      const t = performance.now();
      await using nats = await startNats({ servers: 3 });
      console.log("started", performance.now() - t);
      const client = await nats.connect();
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "S", subjects: ["s.>"], num_replicas: 3 });
      const { seq } = await jetstream(client).publish("s.1", "one");
      assert.equal(seq, 1);
      console.log(JSON.stringify(client.info));
      await client.close();
    },
    { skip },
  );
});
