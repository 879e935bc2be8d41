import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { patiently } from "../../src/cluster/patience.ts";
import { needs } from "./needs.ts";
import { startNats } from "./nats.ts";
import { describe, it } from "./test.ts";

const skip = needs("nats");

describe("startNats({ servers: 3, partitions: true })", () => {
  it(
    "isolates a stream's leader: it acknowledges nothing any more, the others do, and neither is lost or doubled",
    async () => {
      await using nats = await startNats({ servers: 3, partitions: true });
      const manager = await jetstreamManager(await nats.connect(), { timeout: 5_000 });
      const make = () => manager.streams.add({ name: "S", subjects: ["s"], num_replicas: 3 });
      await patiently(make, () => performance.now());
      const { seq } = await manager.jetstream().publish("s", "before", { timeout: 5000 });
      const leader = nats.server((await manager.streams.info("S")).cluster?.leader ?? "");
      const other = nats.servers.find(({ name }) => name !== leader.name)!;
      const at = (port: number) => nats.connect({ servers: `127.0.0.1:${port}` });
      const [inside, outside] = [await at(leader.port), await at(other.port)];

      nats.isolate(leader);
      const expect = { lastSubjectSequence: seq };
      const cutOff = jetstream(inside).publish("s", "inside", { expect, timeout: 2000, retries: 0 });
      await assert.rejects(cutOff);
      const giveUp = performance.now() + 20_000;
      for (let done = false; !done;) {
        done = await jetstream(outside)
          .publish("s", "outside", { expect, timeout: 500, retries: 0 })
          .then(() => true)
          .catch((error: unknown) => {
            if (performance.now() > giveUp) throw error;
            // One whose acknowledgement was lost is there all the same.
            return String(error).includes("wrong last sequence");
          });
      }

      nats.heal();
      await nats.ready();
      const last = await manager.streams.getMessage("S", { last_by_subj: "s" });
      assert.equal(last?.string(), "outside");
      assert.equal((await manager.streams.info("S")).state.messages, 2);
    },
    { skip, timeout: 60_000 },
  );
});
