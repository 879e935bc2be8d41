import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

describe("waiting: POST /connections", () => {
  for (const [name, query, headers, applied] of [
    ["?wait=0", "?wait=0", {}, null],
    ["Prefer: respond-async", "", { prefer: "respond-async" }, "respond-async"],
  ] as const) {
    itHolds(`${name}: 202 at once, with the view and where it is`, async (rig) => {
      const broker = await rig.broker(silent());
      const answer = await rig.open({ id: "later", url: broker.url }, query, headers);
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.body.state, "connecting");
      assert.equal(answer.headers.get("location"), "/connections/later");
      assert.equal(answer.headers.get("preference-applied"), applied);
    });
  }

  itHolds("Prefer: wait=N bounds the attempt", async (rig) => {
    const broker = await rig.broker(silent());
    const [answer, ms] = await timed(rig.open({ url: broker.url }, "", { prefer: "wait=1" }));
    assertProblem(answer, 504, "connack-timeout");
    assert.equal(answer.headers.get("preference-applied"), "wait=1");
    assert.ok(ms >= 950 && ms < 2_000, `${ms} ms`);
  });

  itHolds("?wait= wins over Prefer: wait=", async (rig) => {
    const broker = await rig.broker(silent());
    const [answer, ms] = await timed(rig.open({ url: broker.url }, "?wait=0.3", { prefer: "wait=30" }));
    assertProblem(answer, 504, "connack-timeout");
    assert.equal(answer.headers.get("preference-applied"), null);
    assert.ok(ms < 1_300, `${ms} ms`);
  });

  itHolds("both preferences: 201 when CONNACK comes in time", async (rig) => {
    const broker = await rig.broker(accepts());
    const answer = await rig.open({ url: broker.url }, "", { prefer: 'respond-async, wait="5"' });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers.get("preference-applied"), "respond-async, wait=5");
  });

  itHolds("both preferences: 202 when the wait is over, and the attempt goes on", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await peer.next("connect");
    });
    const [answer, ms] = await timed(
      rig.open({ id: "slow", url: broker.url }, "?wait=0.3", { prefer: "respond-async" }),
    );
    assert.equal(answer.status, 202, answer.text);
    assert.ok(ms >= 290 && ms < 1_300, `${ms} ms`);
    await using events = await rig.app.events("/connections/slow/events");
    const peer = await broker.connection(1);
    peer.answer("pingreq", () => {});
    peer.send({ cmd: "connack", reasonCode: 0, sessionPresent: false });
    assert.equal((await events.next("connected")).data.attempt, 1);
  });

  itHolds("an asynchronous call keeps the connection whatever happens", async (rig) => {
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    assert.equal((await rig.open({ id: "kept", url }, "", { prefer: "respond-async" })).status, 202);
    await using events = await rig.app.events("/connections/kept/events?lastEventId=earliest");
    await events.next("waiting");
    assert.equal((await rig.call("GET", "/connections/kept")).status, 200);
  });

  itHolds(
    "a synchronous call keeps nothing: the failure is an event on /events, and the id is free",
    async (rig) => {
      await using events = await rig.app.events("/events");
      const url = `mqtt://127.0.0.1:${await freePort()}`;
      assertProblem(await rig.open({ id: "gone", url }), 502, "connection-refused");
      assert.equal((await rig.call("GET", "/connections/gone")).status, 404);
      assert.equal((await events.next("error")).data.connection, "gone");
      assert.equal((await events.next("closed")).data.cause, "refused");
    },
  );

  for (const query of ["?wait=61", "?wait=-1", "?wait=soon", "?wait=", "?wiat=1"]) {
    itHolds(`${query}: 422 that names the parameter`, async (rig) => {
      const broker = await rig.broker(accepts());
      const answer = await rig.open({ url: broker.url }, query);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, query.slice(1, 5));
      assert.equal(broker.peers.length, 0);
    });
  }

  itHolds("what Prefer does not know is ignored", async (rig) => {
    const broker = await rig.broker(accepts());
    for (const prefer of [
      "handling=lenient, wait=soon, return=minimal",
      'foo="a, respond-async, b"',
      String.raw`foo="\", respond-async, \""`,
      'foo="a, respond-async',
    ]) {
      const answer = await rig.open({ url: broker.url }, "", { prefer });
      assert.equal(answer.status, 201, prefer);
      assert.equal(answer.headers.get("preference-applied"), null, prefer);
    }
  });

  itHolds("Prefer after a quoted string applies, and a long wait is the longest", async (rig) => {
    const broker = await rig.broker(accepts());
    for (const wait of ["61", "99999999", "9".repeat(400)]) {
      const prefer = `foo="a, b";c="d", wait=${wait}`;
      const answer = await rig.open({ url: broker.url }, "", { prefer });
      assert.equal(answer.headers.get("preference-applied"), "wait=60", wait);
    }
  });

  const few = { environment: () => ({ CONNACK_MAX_WAITS: "1" }) };
  itHolds(
    "more waiting calls than the server may hold: 429",
    async (rig) => {
      const broker = await rig.broker(silent());
      const hangUp = new AbortController();
      const first = rig.app
        .call("POST", "/connections", { url: broker.url }, {}, hangUp.signal)
        .catch(() => "hung up");
      const peer = await broker.connection(1);
      const refused = await rig.open({ url: broker.url });
      assertProblem(refused, 429, "limit-reached");
      assert.equal(refused.body.limit.name, "CONNACK_MAX_WAITS");
      hangUp.abort();
      assert.equal(await first, "hung up");
      await peer.closed;
    },
    few,
  );
});

describe("waiting: GET /connections/{id}", () => {
  itHolds("?wait&since holds until the version differs", async (rig) => {
    const broker = await rig.broker(accepts());
    const { body } = await rig.open({ id: "w", url: broker.url, reconnect: { minDelayMs: 60_000 } });
    const held = rig.call("GET", `/connections/w?wait=20&since=${body.version}`);
    const peer = await broker.connection(1);
    peer.reset();
    const [answer, ms] = await timed(held);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.state, "waiting");
    assert.notEqual(answer.body.version, body.version);
    assert.ok(ms < 5_000);
  });

  itHolds("?wait with an older since answers at once", async (rig) => {
    const broker = await rig.broker(accepts());
    const { body } = await rig.open({ id: "w", url: broker.url });
    const [answer, ms] = await timed(rig.call("GET", `/connections/w?wait=20&since=${body.version - 1}`));
    assert.equal(answer.body.version, body.version);
    assert.ok(ms < 2_000);
  });

  itHolds("when the wait is over the view is the same; with its ETag, 304", async (rig) => {
    const broker = await rig.broker(accepts());
    const opened = await rig.open({ id: "w", url: broker.url });
    const path = `/connections/w?wait=0.3&since=${opened.body.version}`;
    const [same, ms] = await timed(rig.call("GET", path));
    assert.equal(same.body.version, opened.body.version);
    assert.ok(ms >= 290, `${ms} ms`);
    const tag = opened.headers.get("etag")!;
    const unchanged = await rig.call("GET", path, undefined, { "if-none-match": tag });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.text, "");
    assert.equal(unchanged.headers.get("etag"), tag);
  });

  itHolds("a connection that is deleted meanwhile: a problem, and not a hang", async (rig) => {
    const broker = await rig.broker(accepts());
    const { body } = await rig.open({ id: "w", url: broker.url });
    const held = rig.call("GET", `/connections/w?wait=20&since=${body.version}`);
    await using events = await rig.app.events("/connections/w/events");
    const removed = rig.call("DELETE", "/connections/w");
    await events.next("closing");
    const answer = await held;
    // The first change is "closing"; either is true, whichever the call sees first.
    assert.ok(answer.status === 200 ? answer.body.state === "closing" : answer.status === 410, answer.text);
    assert.equal((await removed).status, 200);
  });
});
