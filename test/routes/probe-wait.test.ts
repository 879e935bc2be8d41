import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { startScriptedBroker, type Script } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("POST /probe: its wait", () => {
  for (const [name, query, headers, applied] of [
    ["Prefer: respond-async", "", { prefer: "respond-async" }, null],
    ["Prefer: respond-async, wait=5", "", { prefer: "respond-async, wait=5" }, "wait=5"],
    ["Prefer: wait=5 under ?wait=6", "?wait=6", { prefer: "wait=5" }, null],
  ] as const) {
    itHolds(`${name}: it answers when it has run, and says what was applied`, async (rig) => {
      const broker = await rig.broker(accepts());
      const answer = await rig.call("POST", `/probe${query}`, { url: broker.url }, headers);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.ok, true, answer.text);
      assert.equal(answer.headers.get("preference-applied"), applied);
    });
  }

  itHolds("?wait=0 is the least that there is", async (rig) => {
    const broker = await rig.broker(silent());
    const [{ body }, ms] = await timed(rig.call("POST", "/probe?wait=0", { url: broker.url }));
    assert.match(body.problem.detail, /100 ms/);
    assert.ok(ms >= 95 && ms < 1_100, `${ms} ms`);
  });
});

describe("POST /probe when the server stops", () => {
  const stages: readonly (readonly [string, string, (reached: () => void) => Script])[] = [
    [
      "before the CONNACK",
      "",
      (reached) => async (peer) => {
        await peer.next("connect");
        reached();
      },
    ],
    [
      "in the round trip",
      "?roundTrip=a",
      (reached) => async (peer) => {
        await accepts()(peer);
        await peer.next("publish");
        reached();
      },
    ],
  ];

  for (const [name, query, script] of stages) {
    it(`${name}: 503 at once`, async () => {
      const reached = Promise.withResolvers<void>();
      await using broker = await startScriptedBroker(script(reached.resolve));
      await using app = await startApp();
      const probing = app.call("POST", `/probe${query}`, { url: broker.url });
      await reached.promise;
      const [, ms] = await timed(app.stop());
      const answer = await probing;
      assertProblem(answer, 503, "shutting-down");
      assert.notEqual(answer.headers.get("retry-after"), null);
      assert.ok(ms < 1_500, `${ms} ms`);
      await broker.idle();
    });
  }

  it("none begins after that", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await app.app.close();
    assertProblem(await app.call("POST", "/probe", { url: broker.url }), 503, "shutting-down");
    assert.equal(broker.peers.length, 0);
  });
});
