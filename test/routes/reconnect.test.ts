import assert from "node:assert/strict";
import { accepts, inTurn, refuses } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

describe("POST /connections/{id}/reconnect", () => {
  itHolds(
    "from failed, with the right password: connected, without a leak of either password",
    async (rig) => {
      await using broker = await startMosquitto({ users: { alice: rig.canary } });
      const request = { id: "r", url: broker.url, username: "alice", password: `${rig.canary}-wrong` };
      assert.equal((await rig.open(request, "?wait=0")).status, 202);
      await using events = await rig.app.events("/connections/r/events?lastEventId=earliest");
      await events.next("failed");
      const still = await rig.call("POST", "/connections/r/reconnect");
      assertProblem(still, 502, "broker-refused");
      assert.equal((await rig.call("GET", "/connections/r")).body.state, "failed");
      const answer = await rig.call("POST", "/connections/r/reconnect", { password: rig.canary });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.state, "connected");
      assert.equal(answer.body.flags.badConnection, false);
    },
    { skip: needs("mosquitto") },
  );

  itHolds("from waiting: dials now, and the count of failures starts again", async (rig) => {
    const broker = await rig.broker(inTurn(refuses(0x88), accepts()));
    const request = { id: "r", url: broker.url, reconnect: { minDelayMs: 60_000 } };
    await rig.open(request, "?wait=0");
    await using events = await rig.app.events("/connections/r/events?lastEventId=earliest");
    await events.next("waiting");
    const [answer, ms] = await timed(rig.call("POST", "/connections/r/reconnect"));
    assert.equal(answer.status, 200, answer.text);
    assert.ok(ms < 5_000);
    assert.equal(answer.body.attempts.current, 0);
    assert.equal(answer.body.attempts.total, 2);
    assert.equal((await events.next("connecting")).data.cause, "reconnect");
  });

  itHolds("from connected: a graceful disconnect, then one new connection", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "r", url: broker.url });
    const answer = await rig.call("POST", "/connections/r/reconnect");
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.counters.connects, 2);
    await broker.peers[0]?.closed;
    assert.equal(broker.peers[0]?.received.at(-1)?.cmd, "disconnect");
    assert.equal(broker.liveCount(), 1);
  });

  itHolds("a failure keeps the connection", async (rig) => {
    const broker = await rig.broker(inTurn(accepts(), refuses(0x88)));
    await rig.open({ id: "r", url: broker.url, reconnect: { minDelayMs: 60_000 } });
    assertProblem(await rig.call("POST", "/connections/r/reconnect"), 503, "broker-unavailable");
    assert.equal((await rig.call("GET", "/connections/r")).body.state, "waiting");
  });

  itHolds(
    "while an attempt is under way: joins it within its own wait; new credentials begin another",
    async (rig) => {
      const broker = await rig.broker(silent());
      await rig.open({ id: "r", url: broker.url, connectTimeoutMs: 20_000 }, "?wait=0");
      await broker.connection(1);
      const again = (body?: object) => timed(rig.call("POST", "/connections/r/reconnect?wait=0.4", body));
      const [joined, ms] = await again();
      assert.equal(joined.status, 504, joined.text);
      assert.ok(ms < 1_400, `${ms} ms`);
      assert.equal((await rig.call("GET", "/connections/r")).body.state, "connecting");
      assert.equal(broker.peers.length, 1);
      const [begun] = await again({ password: rig.canary });
      assertProblem(begun, 504, "connack-timeout");
      assert.equal(broker.peers.length, 2);
    },
  );

  itHolds("?wait=0: 202", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "r", url: broker.url });
    assert.equal((await rig.call("POST", "/connections/r/reconnect?wait=0")).status, 202);
  });

  itHolds("what it cannot take: 404, 415, 422 with the field", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "r", url: broker.url, username: undefined, password: undefined });
    assertProblem(await rig.call("POST", "/connections/nobody/reconnect"), 404, "not-found");
    const path = "/connections/r/reconnect";
    assertProblem(
      await rig.call("POST", path, "x", { "content-type": "text/plain" }),
      415,
      "unsupported-media-type",
    );
    for (const [body, pointer] of [
      [{ keepAlive: 30 }, "/keepAlive"],
      [{ password: rig.canary }, "/password"],
      [{ username: "u", password: "%%", passwordEncoding: "base64" }, "/password"],
      [{ tls: {} }, "/tls"],
      [{ username: "a\u0000" }, "/username"],
    ] as const) {
      const answer = await rig.call("POST", path, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, pointer);
    }
    assert.equal(broker.peers.length, 1);
  });
});
