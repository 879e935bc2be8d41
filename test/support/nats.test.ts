import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager, type JetStreamClient } from "@nats-io/jetstream";
import { patiently } from "../../src/cluster/patience.ts";
import { oldNatsProgram } from "./nats-program.ts";
import { needs, needsOldNats } from "./needs.ts";
import { type Nats, startNats } from "./nats.ts";
import { startProxy } from "./proxy.ts";
import { after, before, describe, it } from "./test.ts";

const skip = needs("nats");

interface ServerReport {
  readonly server: { readonly name: string; readonly ver: string };
  readonly data: { readonly config: { readonly sync_always?: boolean } };
}

/** What each server says of its JetStream, to who may ask. */
async function reports(nats: Nats, count: number): Promise<readonly ServerReport[]> {
  const client = await nats.connectSystem();
  const found: ServerReport[] = [];
  const options = { strategy: "count", maxMessages: count, maxWait: 5000 } as const;
  for await (const message of await client.requestMany("$SYS.REQ.SERVER.PING.JSZ", "", options))
    found.push(message.json());
  return found.toSorted((a, b) => a.server.name.localeCompare(b.server.name));
}

/** Publishes until it is acknowledged, which takes an election where the leader is gone. */
async function publishWithin(deadlineMs: number, stream: JetStreamClient, subject: string): Promise<number> {
  const giveUp = performance.now() + deadlineMs;
  for (;;) {
    try {
      return (await stream.publish(subject, "text", { timeout: 500 })).seq;
    } catch (error) {
      if (performance.now() > giveUp) throw error;
    }
  }
}

describe("startNats()", () => {
  it(
    "starts one server, which keeps a record through SIGKILL and pauses when told",
    async () => {
      await using nats = await startNats();
      const client = await nats.connect();
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "S", subjects: ["s.>"] });
      const stream = jetstream(client);
      assert.equal((await stream.publish("s.1", "one")).seq, 1);

      await nats.servers[0]!.kill();
      assert.equal(nats.servers[0]!.running, false);
      await nats.servers[0]!.start();
      await nats.ready();
      assert.equal(await publishWithin(5000, stream, "s.1"), 2);

      nats.servers[0]!.pause();
      await assert.rejects(stream.publish("s.1", "three", { timeout: 200, retries: 0 }));
      nats.servers[0]!.resume();
      // What was sent meanwhile is not gone.
      assert.equal(await publishWithin(5000, stream, "s.1"), 4);
    },
    { skip },
  );

  it(
    "leaves nothing behind, and no server that runs",
    async () => {
      const nats = await startNats();
      const directory = /store.*: *"?(\/[^"\s]*)/i.exec(nats.servers[0]!.log())?.[1] ?? "";
      assert.ok(directory.startsWith(join(tmpdir(), "connack-test-")), nats.servers[0]!.log());
      assert.ok(existsSync(directory));
      await nats[Symbol.asyncDispose]();
      assert.equal(existsSync(directory), false);
      await assert.rejects(nats.connect({ maxReconnectAttempts: 0, reconnect: false }));
    },
    { skip },
  );

  it(
    "starts a server that is too old as well",
    async () => {
      const old = oldNatsProgram();
      await using nats = await startNats({ program: old, syncAlways: false });
      const client = await nats.connect();
      assert.equal(client.info?.version, old?.version);
    },
    { skip: needsOldNats() },
  );
});

describe("startNats({ servers: 3 })", () => {
  let nats: Nats;
  before(async () => {
    if (skip === false) nats = await startNats({ servers: 3 });
  });
  after(async () => {
    if (skip === false) await nats[Symbol.asyncDispose]();
  });

  it(
    "has three that say their versions and how they sync, to the system's account",
    async () => {
      console.log(`nats-server ${nats.version}`);
      const found = await reports(nats, 3);
      assert.deepEqual(
        found.map(({ server, data }) => [server.name, server.ver, data.config.sync_always]),
        ["n1", "n2", "n3"].map((name) => [name, nats.version, true]),
      );
    },
    { skip },
  );

  it(
    "leaves clients behind a proxy no other way in",
    async () => {
      await using proxy = await startProxy(nats.servers[0]!.port);
      const through = { servers: `127.0.0.1:${proxy.port}`, ignoreClusterUpdates: false };
      const client = await nats.connect(through);
      assert.equal(client.info?.server_name, "n1");
      assert.equal(client.info?.connect_urls, undefined);
      const statuses = client.status()[Symbol.asyncIterator]();
      proxy.cut();
      for (let status = ""; status !== "reconnect"; status = (await statuses.next()).value?.type ?? "");
      assert.equal(client.getServer(), through.servers);
    },
    { skip },
  );

  it(
    "survives the kill of a stream's leader",
    async () => {
      const client = await nats.connect();
      const manager = await jetstreamManager(client, { timeout: 5_000 });
      const make = () => manager.streams.add({ name: "S", subjects: ["s.>"], num_replicas: 3 });
      await patiently(make, () => performance.now());
      const stream = jetstream(client);
      assert.equal(await publishWithin(15_000, stream, "s.1"), 1);
      const leader = nats.server((await manager.streams.info("S")).cluster?.leader ?? "");
      await leader.kill();
      const from = performance.now();
      assert.ok((await publishWithin(15_000, stream, "s.1")) >= 2);
      console.log(`published again ${Math.round(performance.now() - from)} ms after the kill of the leader`);
      await leader.start();
      await nats.ready();
      assert.ok(nats.servers.every(({ running }) => running));
      console.log(`all ready ${Math.round(performance.now() - from)} ms after the kill of the leader`);
    },
    { skip, timeout: 60_000 },
  );
});
