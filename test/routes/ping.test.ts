import assert from "node:assert/strict";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

describe("POST /connections/{id}/ping", () => {
  itHolds(
    "200 with the round trip, which the view shows, too",
    async (rig) => {
      await using broker = await startMosquitto();
      await rig.open({ id: "p", url: broker.url });
      const { status, body } = await rig.call("POST", "/connections/p/ping");
      assert.equal(status, 200);
      assert.ok(body.rttMs > 0 && body.rttMs < 5_000);
      const { liveness } = (await rig.call("GET", "/connections/p")).body;
      assert.equal(liveness.pingRttMs, body.rttMs);
      assert.notEqual(liveness.lastPacketAt, null);
      assert.ok(liveness.pingAt >= liveness.lastPacketAt.slice(0, 19));
    },
    { skip: needs("mosquitto") },
  );

  itHolds("no PINGRESP: 504 within its wait", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("pingreq", () => {});
    });
    await rig.open({ id: "p", url: broker.url });
    const [answer, ms] = await timed(rig.call("POST", "/connections/p/ping?wait=0.4"));
    assertProblem(answer, 504, "ping-timeout");
    assert.ok(ms >= 390 && ms < 1_400, `${ms} ms`);
  });

  itHolds("?wait=0 and Prefer: respond-async do not make it one that is not answered", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "p", url: broker.url });
    for (const [query, headers] of [
      ["?wait=0", {}],
      ["", { prefer: "respond-async" }],
    ] as const) {
      const answer = await rig.call("POST", `/connections/p/ping${query}`, undefined, headers);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers.get("preference-applied"), null);
    }
  });

  itHolds("the connection is lost meanwhile: a problem at once", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("pingreq", () => peer.reset());
    });
    await rig.open({ id: "p", url: broker.url, reconnect: { minDelayMs: 60_000 } });
    const [answer, ms] = await timed(rig.call("POST", "/connections/p/ping"));
    assertProblem(answer, 502, "connection-lost");
    assert.ok(ms < 2_000);
    const waiting = await rig.call("POST", "/connections/p/ping");
    assertProblem(waiting, 503, "temporarily-not-connected");
    assert.equal(waiting.body.state, "waiting");
    assert.ok(Number(waiting.headers.get("retry-after")) >= 50);
  });

  itHolds("failed: 409; unknown: 404", async (rig) => {
    const broker = await rig.broker(refuses(0x87));
    await rig.open({ id: "p", url: broker.url }, "?wait=0");
    await using events = await rig.app.events("/connections/p/events?lastEventId=earliest");
    await events.next("failed");
    const answer = await rig.call("POST", "/connections/p/ping");
    assertProblem(answer, 409, "not-connected");
    assert.equal(answer.body.state, "failed");
    assert.equal(answer.headers.get("retry-after"), null);
    assertProblem(await rig.call("POST", "/connections/nobody/ping"), 404, "not-found");
  });
});
