import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { readMessages, subscribe } from "../support/message-calls.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { openScripted } from "../support/subscribe-scripts.ts";
import { describe, it } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const path = "/connections/home/messages";
/** A connection with it does not expire while a call or a stream holds it, which shows. */
const idle = { idleTtlMs: 60_000 };

/** Resolves when a call is held at the server. */
async function held(app: TestApp): Promise<void> {
  await viewWhen(app, "home", ({ expiresAt }) => expiresAt === null);
}

describe("GET /connections/{id}/messages?wait=", () => {
  itHolds("answers at once when there is something", async (rig) => {
    const { peer } = await openScripted(rig, accepts());
    peer.send(message("t", "1"));
    const [first] = await timed(rig.call("GET", `${path}?wait=20`));
    assert.equal(first.body.items.length, 1);
    const [again, ms] = await timed(rig.call("GET", `${path}?wait=20`));
    assert.deepEqual(again.body, first.body);
    assert.ok(ms < 1_000, `${ms} ms`);
  });

  itHolds("answers when something comes, within milliseconds, and the cursor goes on", async (rig) => {
    const { peer } = await openScripted(rig, accepts(), idle);
    let after = "";
    for (const payload of ["1", "2", "3"]) {
      const poll = rig.call("GET", `${path}?wait=20&after=${after}`);
      await held(rig.app);
      const [answer, ms] = await timed((peer.send(message("t", payload)), poll));
      assert.deepEqual([answer.body.items[0].payload, answer.body.items.length], [payload, 1]);
      assert.ok(ms < 250, `${ms} ms`);
      after = answer.body.next;
    }
  });

  itHolds("answers many that wait for the same", async (rig) => {
    const { peer } = await openScripted(rig, accepts(), idle);
    const polls = Array.from({ length: 50 }, () => rig.call("GET", `${path}?wait=20`));
    await held(rig.app);
    peer.send(message("t", "x"));
    for (const poll of polls) assert.equal((await poll).body.items[0].payload, "x");
  });

  itHolds("without anything: items: [] when the wait is over, and a cursor that holds", async (rig) => {
    const { peer } = await openScripted(rig, accepts());
    const [empty, ms] = await timed(rig.call("GET", `${path}?wait=0.3`));
    assert.equal(empty.status, 200, empty.text);
    assert.deepEqual(Object.keys(empty.body), ["items", "next"]);
    assert.deepEqual(empty.body.items, []);
    assert.ok(ms >= 290 && ms < 800, `${ms} ms`);
    peer.send(message("t", "x"));
    const more = await rig.call("GET", `${path}?wait=20&after=${empty.body.next}`);
    assert.equal(more.body.items[0].payload, "x");
  });

  itHolds("waits on for what ?topic wants, and moves past what it does not", async (rig) => {
    const { peer } = await openScripted(rig, accepts(), idle);
    const poll = rig.call("GET", `${path}?wait=20&topic=a/%23`);
    await held(rig.app);
    await using stream = await readMessages(rig.app, "ndjson");
    for (let n = 0; n < 300; n += 1) peer.send(message("b", `${n}`));
    await stream.until(300);
    peer.send(message("a", "wanted"));
    assert.deepEqual((await poll).body.items.length, 1);
    const [unwanted] = await timed(rig.call("GET", `${path}?wait=0.2&topic=c`));
    assert.deepEqual(unwanted.body.items, []);
    assert.deepEqual(unwanted.body.next, (await poll).body.next);
  });

  itHolds("what the log drops while nothing was wanted of it is a gap, not silence", async (rig) => {
    const { peer } = await openScripted(rig, accepts(), { ...idle, log: { messages: 4 } });
    const poll = rig.call("GET", `${path}?wait=20&topic=a`);
    await held(rig.app);
    // In one write, so that it may be gone before anybody has looked.
    const burst = Array.from({ length: 1_000 }, (_, n) => (n === 0 ? "a" : "b"));
    for (const topic of burst) peer.send(message(topic, "x"));
    peer.send(message("a", "last"));
    const { items, gap } = (await poll).body;
    const first = items[0]?.payload === "x";
    assert.ok(first || gap?.reason === "expired", JSON.stringify(gap));
  });

  itHolds("ends with items: [] when the connection is deleted", async (rig) => {
    await openScripted(rig, accepts(), idle);
    const poll = rig.call("GET", `${path}?wait=30`);
    await held(rig.app);
    const [deleted, ms] = await timed(rig.call("DELETE", "/connections/home"));
    assert.equal(deleted.status, 200);
    assert.deepEqual([(await poll).status, (await poll).body.items], [200, []]);
    assert.ok(ms < 2_000, `${ms} ms`);
  });

  itHolds(
    "counts among the calls that wait: 429 when there are as many as may be",
    async (rig) => {
      await openScripted(rig, accepts(), idle);
      const poll = rig.call("GET", `${path}?wait=1.5`);
      await held(rig.app);
      const refused = await rig.call("GET", `${path}?wait=1`);
      assertProblem(refused, 429, "limit-reached");
      assert.deepEqual(refused.body.limit, { name: "CONNACK_MAX_WAITS", value: 1 });
      assertProblem(await rig.call("GET", `${path}?subscribe=a`), 429, "limit-reached");
      assertProblem(await subscribe(rig, "a"), 429, "limit-reached");
      assert.equal((await rig.call("GET", path)).status, 200);
      assert.equal((await poll).status, 200);
      assert.equal((await subscribe(rig, "a")).status, 201);
    },
    { environment: () => ({ CONNACK_MAX_WAITS: "1" }) },
  );

  itHolds(
    "a caller that leaves frees its place",
    async (rig) => {
      await openScripted(rig, accepts(), idle);
      const controller = new AbortController();
      const poll = rig.app.call("GET", `${path}?wait=30`, undefined, {}, controller.signal).catch(() => null);
      await held(rig.app);
      controller.abort();
      assert.equal(await poll, null);
      await viewWhen(rig.app, "home", ({ expiresAt }) => expiresAt !== null);
      assert.equal((await subscribe(rig, "a")).status, 201);
    },
    { environment: () => ({ CONNACK_MAX_WAITS: "1" }) },
  );

  itHolds(
    "the connection does not go idle under a poll or a stream, and its time begins at their end",
    async (rig) => {
      await openScripted(rig, accepts(), { idleTtlMs: 1_000 });
      const poll = await rig.call("GET", `${path}?wait=2.2`);
      assert.deepEqual([poll.status, poll.body.items], [200, []]);
      const { body: view } = await rig.call("GET", "/connections/home");
      assert.ok(Date.parse(view.expiresAt) - Date.now() > 0, view.expiresAt);
      const stream = await readMessages(rig.app, "sse");
      await held(rig.app);
      await stream[Symbol.asyncDispose]();
      await viewWhen(rig.app, "home", ({ expiresAt }) => expiresAt !== null);
    },
  );
});

describe("a poll when the server stops", () => {
  for (const query of ["?wait=30", "?wait=30&topic=a", "?wait=30&subscribe=b"]) {
    it(`${query}: ends with items: [], before the grace period is over`, async () => {
      await using broker = await startScriptedBroker(accepts());
      await using app = await startApp();
      assert.equal((await app.open({ id: "home", url: broker.url, ...idle })).status, 201);
      const poll = app.call("GET", `${path}${query}`);
      await held(app);
      const [, ms] = await timed(app.app.close());
      const { status, body } = await poll;
      assert.deepEqual([status, body.items], [200, []]);
      assert.ok(ms < 1_500, `${ms} ms`);
    });
  }
});
