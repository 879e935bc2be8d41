import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { publishJson } from "../support/message-calls.ts";
import { acknowledge, opens } from "../support/publish-scripts.ts";
import { openScripted } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

describe("oldestUnacknowledgedAt", () => {
  itHolds(
    "is of the oldest publish in flight or waiting for the send quota, until it is acknowledged",
    async (rig) => {
      const script = opens({ connack: { receiveMaximum: 1 } });
      const { peer } = await openScripted(rig, script);
      const oldest = async () => {
        const { body } = await rig.call("GET", "/connections/home");
        return body.oldestUnacknowledgedAt === null ? null : Date.parse(body.oldestUnacknowledgedAt);
      };
      assert.equal(await oldest(), null);
      const begun = Date.now();
      const first = publishJson(rig, { topic: "a", payload: "1", qos: 1 });
      const { messageId = 0 } = await peer.next("publish");
      const second = publishJson(rig, { topic: "a", payload: "2", qos: 1 });
      // The second one is there before anything that comes after it is answered.
      assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
      const at = (await oldest()) ?? 0;
      assert.ok(at >= begun - 1 && at <= Date.now(), `${begun} ${at}`);
      acknowledge(peer, "puback", messageId);
      assert.equal((await first).status, 200);
      const next = await peer.next("publish");
      const later = (await oldest()) ?? 0;
      assert.ok(later >= at, `${at} ${later}`);
      acknowledge(peer, "puback", next.messageId ?? 0);
      assert.equal((await second).status, 200);
      assert.equal(await oldest(), null);
    },
  );
});
