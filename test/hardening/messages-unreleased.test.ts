import assert from "node:assert/strict";
import { opens, message } from "../support/publish-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const mebibyte = "x".repeat(1_048_576);

describe("QoS 2 messages that a broker never releases", () => {
  itHolds(
    "are kept up to a bound, and then the connection ends with 0x97",
    async (rig) => {
      const broker = await rig.broker(
        opens({}, async (peer) => {
          // The second connection is left alone.
          if (peer.number > 1) return;
          for (let messageId = 1; messageId <= 80; messageId += 1)
            peer.send({ ...message("t", mebibyte), qos: 2, messageId });
        }),
      );
      await using events = await rig.app.events("/events?types=disconnected");
      await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 10 } });
      const { data } = await events.next("disconnected");
      assert.equal(data.reasonCode, 0x97);
      assert.equal(data.from, "client");
      const recs = broker.peers[0]?.received.filter(({ cmd }) => cmd === "pubrec").length ?? 0;
      // What came in the same read of the socket is taken, too.
      assert.ok(recs >= 60 && recs < 80, `${recs} were taken`);
    },
    { timeout: 60_000 },
  );
});
