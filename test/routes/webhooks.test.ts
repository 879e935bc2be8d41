import assert from "node:assert/strict";
import { accepts, acceptsThen } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";
import { quick, secretOf, startEndpoint, status, verify } from "../support/webhook-endpoint.ts";

const overrides = { webhookSchedule: quick };
const url = "http://127.0.0.1:9/hook";
const create = (rig: Rig, body: object) => rig.call("POST", "/webhooks", body);

describe("POST /webhooks", () => {
  itHolds("answers with the webhook and its secret, this once", async (rig) => {
    const answer = await create(rig, { url, topics: ["a/#"], labels: { team: "a" } });
    assert.equal(answer.status, 201, answer.text);
    const { id, secret, createdAt, ...rest } = answer.body;
    assert.match(id, /^w_[0-9a-f-]{36}$/);
    assert.match(secret, /^whsec_/);
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      ...{ url, connection: null, topics: ["a/#"], events: [], format: "connack", enabled: true },
      ...{ labels: { team: "a" }, state: "active", disabled: null, lastSuccessAt: null, lastFailure: null },
      ...{ failuresInARow: 0, nextAttemptAt: null },
      counters: { delivered: 0, failed: 0, dead: 0, deadDropped: 0 },
      links: { self: `/webhooks/${id}`, deliveries: `/webhooks/${id}/deliveries` },
    });
    assert.equal(answer.headers.get("location"), `/webhooks/${id}`);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const shown = await rig.call("GET", `/webhooks/${id}`);
    assert.deepEqual(shown.body, { id, ...rest, createdAt });
  });

  itHolds("shows no secret that was given", async (rig) => {
    const secret = secretOf(1);
    const answer = await create(rig, { url, events: ["*"], secret });
    assert.equal(answer.status, 201);
    const { id } = answer.body;
    const patched = await rig.call("PATCH", `/webhooks/${id}`, { secret: secretOf(2) });
    assert.equal(patched.status, 200);
    const shown = [
      answer,
      patched,
      await rig.call("GET", `/webhooks/${id}`),
      await rig.call("GET", "/webhooks"),
    ];
    const texts = [...shown.map(({ text }) => text), ...rig.app.logs].join("\n");
    assert.ok(!texts.includes("whsec_") && !texts.includes(secret.slice(6)), texts);
  });

  const wrong: readonly (readonly [object, string])[] = [
    [{ topics: ["#"] }, "/url"],
    [{ url: "ftp://x/", topics: ["#"] }, "/url"],
    [{ url: "http://", topics: ["#"] }, "/url"],
    [{ url: "http://user:pass@x/", topics: ["#"] }, "/url"],
    [{ url: "http://x/#a", topics: ["#"] }, "/url"],
    [{ url: "http://x/#", topics: ["#"] }, "/url"],
    [{ url: " http://x/", topics: ["#"] }, "/url"],
    [{ url: "http://x:0/", topics: ["#"] }, "/url"],
    [{ url: `http://x/${"y".repeat(2_048)}`, topics: ["#"] }, "/url"],
    [{ url }, "/topics"],
    [{ url, topics: [], events: [] }, "/topics"],
    [{ url, topics: ["a/#/b"] }, "/topics/0"],
    [{ url, topics: ["a", ""] }, "/topics/1"],
    [{ url, topics: Array.from({ length: 101 }, () => "a") }, "/topics"],
    [{ url, events: ["happened"] }, "/events/0"],
    [{ url, events: ["*", "failed"] }, "/events"],
    [{ url, topics: ["#"], connection: "not an id" }, "/connection"],
    [{ url, topics: ["#"], secret: "short" }, "/secret"],
    [{ url, topics: ["#"], secret: 7 }, "/secret"],
    [{ url, topics: ["#"], format: "xml" }, "/format"],
    [{ url, topics: ["#"], enabled: "yes" }, "/enabled"],
    [{ url, topics: ["#"], labels: { "": "x" } }, "/labels/"],
    [{ url, topics: ["#"], colour: "red" }, "/colour"],
  ];
  for (const [body, pointer] of wrong) {
    itHolds(`422 at ${pointer}: ${JSON.stringify(body).slice(0, 60)}`, async (rig) => {
      const answer = await create(rig, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
      assert.ok(!answer.text.includes("pass@"), answer.text);
    });
  }

  itHolds(
    "429 when there are as many as there may be",
    async (rig) => {
      const answers = await Promise.all([1, 2, 3].map(() => create(rig, { url, topics: ["#"] })));
      assert.deepEqual(
        answers.map((answer) => answer.status).toSorted((a, b) => a - b),
        [201, 201, 429],
      );
      const full = answers.find((answer) => answer.status === 429)!;
      assertProblem(full, 429, "limit-reached");
      assert.deepEqual(full.body.limit, { name: "CONNACK_MAX_WEBHOOKS", value: 2 });
      const [kept] = (await rig.call("GET", "/webhooks")).body.items;
      assert.equal((await rig.call("DELETE", `/webhooks/${kept.id}`)).status, 204);
      assert.equal((await create(rig, { url, topics: ["#"] })).status, 201);
    },
    { environment: () => ({ CONNACK_MAX_WEBHOOKS: "2" }) },
  );
});

describe("GET /webhooks", () => {
  itHolds("pages, oldest first, with a Link, and filters by labels", async (rig) => {
    const ids: string[] = [];
    for (const team of ["a", "b", "a", "a"])
      ids.push((await create(rig, { url, topics: ["#"], labels: { team } })).body.id);
    const first = await rig.call("GET", "/webhooks?limit=3");
    const listed = ({ body }: typeof first) => body.items.map(({ id }: { id: string }) => id);
    assert.deepEqual(listed(first), ids.slice(0, 3));
    const [, path] = /^<(.+)>; rel="next"$/.exec(first.headers.get("link") ?? "") ?? [];
    const second = await rig.call("GET", path!);
    assert.deepEqual([listed(second), second.body.next], [ids.slice(3), null]);
    const ofA = await rig.call("GET", "/webhooks?label=team:a");
    assert.deepEqual(listed(ofA), [ids[0], ids[2], ids[3]]);
    assertProblem(await rig.call("GET", "/webhooks?cursor=!"), 422, "invalid-request");
  });
});

describe("…/webhooks/{id}", () => {
  itHolds("404 for one that is not there, whatever the call", async (rig) => {
    for (const [method, path] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/test"],
      ["GET", "/deliveries"],
      ["GET", "/deliveries?state=dead"],
      ["POST", "/deliveries/msg_1/replay"],
      ["POST", "/replay"],
    ] as const) {
      const answer = await rig.call(method, `/webhooks/w_none${path}`, method === "PATCH" ? {} : undefined);
      assertProblem(answer, 404, "not-found");
    }
    assert.equal((await rig.call("PUT", "/webhooks/x", {})).status, 405);
  });

  itHolds("PATCH changes what is given, and says what is wrong with it", async (rig) => {
    const { id } = (await create(rig, { url, topics: ["#"] })).body;
    const path = `/webhooks/${id}`;
    const changed = await rig.call("PATCH", path, {
      ...{ url: `${url}2`, connection: "home", topics: ["a"], events: ["failed"] },
      ...{ format: "cloudevents", labels: { a: "b" }, enabled: false },
    });
    assert.equal(changed.status, 200, changed.text);
    const { connection, topics, events, format, labels, state } = changed.body;
    assert.deepEqual([changed.body.url, connection, topics, events], [`${url}2`, "home", ["a"], ["failed"]]);
    assert.deepEqual([format, labels, state], ["cloudevents", { a: "b" }, "disabled"]);
    assert.equal(changed.body.secret, undefined);
    assert.match((await rig.call("PATCH", path, { secret: null })).body.secret, /^whsec_/);
    for (const [body, pointer] of [
      [{ topics: [], events: [] }, "/topics"],
      [{ url: "x" }, "/url"],
      [{ secretOverlapSeconds: 5 }, "/secretOverlapSeconds"],
      [{ secret: null, secretOverlapSeconds: -1 }, "/secretOverlapSeconds"],
      [{ id: "x" }, "/id"],
    ] as const) {
      const answer = await rig.call("PATCH", path, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, pointer);
    }
    assert.deepEqual((await rig.call("GET", path)).body.topics, ["a"]);
  });
});

describe("webhook deliveries", () => {
  itHolds(
    "what a broker sends is delivered, and so is what happens to the connection",
    async (rig) => {
      await using endpoint = await startEndpoint();
      const { id, secret } = (
        await create(rig, { url: endpoint.url, connection: "home", topics: ["t/#"], events: ["connected"] })
      ).body;
      const broker = await rig.broker(acceptsThen((peer) => peer.send(message("t/1", "21.5"))));
      await rig.open({ id: "home", url: broker.url });
      await endpoint.nth(2);
      for (const one of endpoint.received) verify(secret, one);
      const types = endpoint.received.map(({ body }): string => body.type).toSorted();
      assert.deepEqual(types, ["connack.event.connected", "connack.message"]);
      const { data } = endpoint.received.find(({ body }) => body.type === "connack.message")!.body;
      const stored = (await rig.call("GET", "/connections/home/messages")).body.items[0];
      assert.deepEqual(data, { connection: "home", ...stored });
      const { items } = (await rig.call("GET", `/webhooks/${id}/deliveries`)).body;
      assert.ok(items.length >= 1);
      assert.deepEqual(Object.keys(items[0]), [
        ...["id", "type", "connection", "attempt", "at", "ms", "state", "status", "code", "detail"],
      ]);
    },
    { overrides },
  );

  itHolds(
    "from a real broker, as CloudEvents",
    async (rig) => {
      await using broker = await startMosquitto();
      await using endpoint = await startEndpoint();
      await rig.open({ id: "home", url: broker.url, subscriptions: [{ topicFilter: "t/#", qos: 1 }] });
      await create(rig, { url: endpoint.url, topics: ["t/#"], format: "cloudevents" });
      await using client = await connectClient(broker.url, { protocolVersion: 5 });
      for (const n of [1, 2, 3]) await client.publishAsync(`t/${n}`, `${n}`, { qos: 1 });
      await endpoint.nth(3);
      const [first] = endpoint.received;
      assert.equal(first?.headers["content-type"], "application/cloudevents+json");
      const { specversion, id, source, type, time, subject, datacontenttype, data } = first?.body ?? {};
      assert.deepEqual(
        [specversion, source, type, subject, datacontenttype],
        ["1.0", "/connections/home", "connack.message", "t/1", "application/json"],
      );
      assert.deepEqual([id, time], [data.id, data.at]);
      assert.deepEqual(
        endpoint.received.map(({ body }) => body.data.payload),
        ["1", "2", "3"],
      );
    },
    { overrides, skip: needs("mosquitto") },
  );

  itHolds(
    "test: delivers now, and tells how it went, disabled or not",
    async (rig) => {
      await using endpoint = await startEndpoint();
      const { id, secret } = (await create(rig, { url: endpoint.url, topics: ["#"], enabled: false })).body;
      const good = await rig.call("POST", `/webhooks/${id}/test`);
      assert.deepEqual([good.status, good.body.state, good.body.status], [200, "delivered", 204]);
      const received = await endpoint.nth(1);
      verify(secret, received);
      assert.deepEqual([received.body.type, received.body.data], ["connack.test", { webhook: id }]);
      endpoint.answer = status(500);
      const bad = await rig.call("POST", `/webhooks/${id}/test`);
      const { state, code, detail } = bad.body;
      assert.deepEqual([bad.status, state, code, bad.body.status], [200, "failed", "refused", 500]);
      assert.equal(detail, "The endpoint answered 500");
    },
    { overrides },
  );

  itHolds(
    "dead ones are listed, and replayed one by one or all",
    async (rig) => {
      await using endpoint = await startEndpoint(status(500));
      const { id } = (await create(rig, { url: endpoint.url, connection: "home", topics: ["#"] })).body;
      const path = `/webhooks/${id}`;
      const broker = await rig.broker(
        acceptsThen((peer) => {
          for (const n of [1, 2, 3]) peer.send(message("t", `${n}`));
        }),
      );
      await rig.open({ id: "home", url: broker.url });
      let view: { counters: { dead: number } };
      do view = (await rig.call("GET", path)).body;
      while (view.counters.dead < 3);
      const first = await rig.call("GET", `${path}/deliveries?state=dead&limit=2`);
      const second = await rig.call("GET", `${path}/deliveries?state=dead&limit=2&cursor=${first.body.next}`);
      const dead = [...first.body.items, ...second.body.items];
      assert.equal(second.body.next, null);
      assert.deepEqual(
        dead.map(({ text }) => JSON.parse(text).data.payload),
        ["1", "2", "3"],
      );
      assert.equal(dead[0].lastFailure.code, "refused");
      endpoint.answer = status(204);
      const replayed = await rig.call("POST", `${path}/deliveries/${dead[1].id}/replay`);
      assert.deepEqual([replayed.status, replayed.body.state], [200, "delivered"]);
      assertProblem(await rig.call("POST", `${path}/deliveries/${dead[1].id}/replay`), 404, "not-found");
      const all = await rig.call("POST", `${path}/replay`);
      assert.deepEqual([all.status, all.body], [202, { replaying: 2 }]);
      do view = (await rig.call("GET", path)).body;
      while (view.counters.dead > 0);
      for (const cursor of ["!", "x".repeat(200)]) {
        const answer = await rig.call("GET", `${path}/deliveries?cursor=${cursor}`);
        assertProblem(answer, 422, "invalid-request");
      }
    },
    { overrides: { webhookSchedule: { ...quick, giveUpAfterMs: 0 } } },
  );

  itHolds(
    "at shutdown what is under way is dropped at once",
    async (rig) => {
      await using endpoint = await startEndpoint(() => {});
      await create(rig, { url: endpoint.url, events: ["connected"], connection: "home" });
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url });
      await endpoint.nth(1);
      const deleted = await rig.call("DELETE", "/connections/home");
      assert.equal(deleted.status, 200);
    },
    { overrides },
  );
});
