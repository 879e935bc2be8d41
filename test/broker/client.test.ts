import assert from "node:assert/strict";
import { Attempt } from "../../src/broker/attempt.ts";
import { IncomingStore } from "../../src/broker/incoming-store.ts";
import { PacketIds } from "../../src/broker/packet-ids.ts";
import { createResolver } from "../../src/broker/resolver.ts";
import type { SessionState } from "../../src/broker/session-state.ts";
import { connectionRequestSchema } from "../../src/request/connection-request.ts";
import { accepts } from "../support/broker-scripts.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { openPolicy } from "../support/policies.ts";
import { describe, it } from "../support/test.ts";

describe("Client", () => {
  it("reports what its session throws, and reads the packets that follow", async () => {
    await using broker = await startScriptedBroker(accepts());
    const { promise: second, resolve } = Promise.withResolvers<string>();
    const defect = new Error("a defect");
    const reported: unknown[] = [];
    const session: SessionState = {
      incoming: new IncomingStore(),
      ids: new PacketIds(() => false),
      acknowledged: () => true,
      kept: null,
      received: ({ payload }) => {
        if (payload.toString() === "first") throw defect;
        resolve(payload.toString());
      },
    };
    const { request } = connectionRequestSchema.parse({ url: broker.url });
    const attempt = new Attempt(
      { request, clientId: "c", settledVersion: null, admit: () => null, timeoutMs: 5_000, session },
      {
        resolve: createResolver([]),
        policy: openPolicy,
        maxPacketBytes: 65_536,
        now: () => performance.now(),
        report: (error) => reported.push(error),
      },
      (event) => {
        if (event.type !== "ready") return;
        broker.peers[0]?.send(message("t", "first"));
        broker.peers[0]?.send(message("t", "second"));
      },
    );
    assert.equal(await second, "second");
    assert.deepEqual(reported, [defect]);
    attempt.cancel();
    await broker.idle();
  });
});
