import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { readMetrics } from "../support/limit-scene.ts";
import { accepts } from "../support/broker-scripts.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

const rate = 500_000;
/** One read of a socket may bring so much, and comes whole. */
const oneRead = 524_288;
const count = 300;

describe("a broker that sends faster than CONNACK_MAX_INBOUND_BYTES_PER_SECOND", () => {
  itHolds(
    "is read no faster, loses nothing, and stays connected with a short keep alive",
    async (rig) => {
      const broker = await rig.broker(accepts());
      const opened = await rig.open({
        id: "home",
        url: broker.url,
        keepAlive: 4,
        log: { messages: count, bytes: 10_000_000 },
      });
      assert.equal(opened.status, 201, opened.text);
      const peer = await broker.connection(1);
      const began = performance.now();
      for (let n = 0; n < count; n += 1) peer.send(message("t", `${n}`.padEnd(10_000)));
      for (let arrived = 0; arrived < count;) {
        const { body } = await rig.call("GET", "/connections/home");
        arrived = body.counters.messagesIn;
        const seconds = (performance.now() - began) / 1_000;
        const most = rate * (1 + seconds) + 2 * oneRead;
        assert.ok(body.counters.bytesIn <= most, `${body.counters.bytesIn} bytes after ${seconds} s`);
        assert.equal(body.state, "connected");
      }
      const seconds = (performance.now() - began) / 1_000;
      assert.ok(seconds >= (count * 10_000 - oneRead) / rate - 1.5, `${seconds} s`);
      const { body } = await rig.call("GET", "/connections/home/messages?after=earliest&limit=1000");
      const payloads: string[] = body.items.map(({ payload }: { payload: string }) => payload.trim());
      assert.deepEqual(
        payloads,
        Array.from({ length: count }, (_, n) => `${n}`),
      );
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.disconnects, 0);
      const name = 'connack_limit_refused_total{limit="CONNACK_MAX_INBOUND_BYTES_PER_SECOND"}';
      assert.ok((await readMetrics(rig.app)).get(name)! >= 1);
    },
    { environment: () => ({ CONNACK_MAX_INBOUND_BYTES_PER_SECOND: String(rate) }) },
  );
});
