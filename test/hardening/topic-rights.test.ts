import assert from "node:assert/strict";
import { startAedes } from "../support/aedes-broker.ts";
import type { Answer } from "../support/app.ts";
import { durablePlace } from "../support/durable-app.ts";
import { assertProblem } from "../support/invariants.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

type Call = (topic: string, url: string) => readonly [method: string, path: string, body?: unknown];

const encoded = encodeURIComponent;
const json = { "content-type": "application/json" };

/** Each way to have a message published, by the topic. */
const publishes: Readonly<Record<string, Call>> = {
  "a raw publish": (topic) => ["POST", `/connections/home/publish?topic=${encoded(topic)}`, { n: 1 }],
  "a publish as JSON": (topic) => ["POST", "/connections/home/publish", { topic }],
  "a publish to the outbox": (topic) => [
    "POST",
    `/connections/home/publish?topic=${encoded(topic)}&queue=60`,
    { n: 1 },
  ],
  "a request": (topic) => ["POST", "/connections/home/request", { topic, timeoutMs: 10 }],
  "a new connection's will": (topic, url) => ["POST", "/connections", { url, will: { topic } }],
  "a replaced connection's will": (topic, url) => ["PUT", "/connections/other", { url, will: { topic } }],
  "a probe's round trip": (topic, url) => ["POST", `/probe?roundTrip=${encoded(topic)}`, { url }],
};

/** Each way to get messages to read, by the topic filter. */
const subscribes: Readonly<Record<string, Call>> = {
  "a subscription": (topicFilter) => ["POST", "/connections/home/subscriptions", { topicFilter }],
  "the end of a subscription": (filter) => [
    "DELETE",
    `/connections/home/subscriptions?topicFilter=${encoded(filter)}`,
  ],
  "the end of a subscription, by its path": (filter) => [
    "DELETE",
    `/connections/home/subscriptions/${encoded(filter)}`,
  ],
  "a subscription for a call": (filter) => ["GET", `/connections/home/messages?subscribe=${encoded(filter)}`],
  "a new connection's": (topicFilter, url) => [
    "POST",
    "/connections",
    { url, subscriptions: [{ topicFilter }] },
  ],
  "a replaced connection's": (topicFilter, url) => [
    "PUT",
    "/connections/other",
    { url, subscriptions: [{ topicFilter }] },
  ],
  "a webhook's": (filter) => ["POST", "/webhooks", { url: "http://127.0.0.1:9/x", topics: [filter] }],
};

/** As filters, with one for names alone. */
const subscribesNames: Readonly<Record<string, Call>> = {
  "a retained message": (topic) => ["GET", `/connections/home/retained?topic=${encoded(topic)}&wait=0`],
  "the responses to a request": (responseTopic) => [
    "POST",
    "/connections/home/request",
    { topic: "mine/a", responseTopic, timeoutMs: 10 },
  ],
};

async function scene() {
  const stack = new AsyncDisposableStack();
  const place = stack.use(durablePlace());
  const broker = stack.use(await startAedes());
  const app = stack.use(await place.start({ ...place.environment, ...withTokens }));
  const topics: string[] = [];
  broker.aedes.on("publish", (packet, client) => {
    if (client !== null) topics.push(packet.topic);
  });
  const wide = await callerOf(app);
  const narrow = await callerOf(app, { publish: ["mine/#"], subscribe: ["mine/#"] });
  const request = { url: broker.url, subscriptions: [{ topicFilter: "#", qos: 1 }] };
  const put = await wide.call("PUT", "/connections/home", request);
  assert.equal(put.status, 201, put.text);
  return { wide, narrow, topics, url: broker.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a token's topic filters", () => {
  it("hold for each way to publish and to subscribe, and the broker hears of nothing else", async () => {
    await using world = await scene();
    const { narrow, topics, url } = world;
    const call = (make: Call, topic: string): Promise<Answer> => narrow.call(...make(topic, url));
    for (const [what, make] of Object.entries({ ...publishes, ...subscribesNames })) {
      for (const topic of ["other", "other/mine/a", "mine2", "Mine/a", "/mine/a"])
        assertProblem(await call(make, topic), 403, "forbidden");
      const own = await call(make, "mine/a");
      assert.notEqual(own.status, 403, `${what}: ${own.text}`);
    }
    for (const [what, make] of Object.entries(subscribes)) {
      for (const filter of ["other/a", "#", "+/a", "+/#", "$share/g/other/a", "$share/g/#"])
        assertProblem(await call(make, filter), 403, "forbidden");
      const own = await call(make, "mine/+");
      assert.notEqual(own.status, 403, `${what}: ${own.text}`);
    }
    assert.ok(topics.includes("mine/a"));
    assert.deepEqual(
      topics.filter((topic) => !/^mine\/|^connack\//.test(topic)),
      [],
    );
  });

  it("hold for each message of an array and for each line, and let the others through", async () => {
    await using world = await scene();
    const { narrow, topics } = world;
    const messages = ["mine/1", "other", "mine/2"].map((topic) => ({ topic, qos: 1 }));
    const array = await narrow.call("POST", "/connections/home/publish", messages, json);
    assert.deepEqual(
      array.body.results.map(({ status }: { status: number }) => status),
      [200, 403, 200],
    );
    const lines = messages.map((message) => `${JSON.stringify(message)}\n`).join("");
    const type = { "content-type": "application/x-ndjson" };
    const streamed = await narrow.call("POST", "/connections/home/publish", lines, type);
    assert.deepEqual(
      streamed.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).status),
      [200, 403, 200],
    );
    assert.ok(!topics.includes("other"), topics.join(" "));
  });

  it("hold for what a connection of others has received, and for what waits in its outbox", async () => {
    await using world = await scene();
    const { wide, narrow } = world;
    for (const topic of ["mine/a", "other/a", "mine/b"]) {
      const sent = await wide.call("POST", "/connections/home/publish", { topic, qos: 1, payload: topic });
      assert.equal(sent.status, 200, sent.text);
    }
    let all = await wide.call("GET", "/connections/home/messages?wait=5");
    while (all.body.items.length < 3) all = await wide.call("GET", `/connections/home/messages?wait=5`);
    const seen = await narrow.call("GET", "/connections/home/messages");
    const topicsOf = ({ body }: Answer) => body.items.map(({ topic }: { topic: string }) => topic);
    assert.deepEqual(topicsOf(seen), ["mine/a", "mine/b"]);
    const wanted = await narrow.call("GET", "/connections/home/messages?topic=other/%23");
    assert.deepEqual(topicsOf(wanted), []);
    for (const { id, topic } of all.body.items) {
      const payload = await narrow.call("GET", `/connections/home/messages/${id}/payload`);
      assert.equal(payload.status, topic === "other/a" ? 404 : 200, topic);
    }
    await using stream = await narrow.events("/connections/home/messages?format=sse&lastEventId=earliest");
    assert.deepEqual(
      [(await stream.next()).data.topic, (await stream.next()).data.topic],
      ["mine/a", "mine/b"],
    );

    const nowhere = { url: "mqtt://127.0.0.1:1", durable: true };
    assert.equal((await wide.call("PUT", "/connections/away?wait=0", nowhere)).status, 202);
    const queue = async (topic: string) => {
      const { status, text, body } = await wide.call(
        "POST",
        `/connections/away/publish?topic=${encoded(topic)}&queue=60`,
        { n: 1 },
      );
      assert.equal(status, 202, text);
      return String(body.id);
    };
    const [mine, other] = [await queue("mine/a"), await queue("other")];
    assert.deepEqual(topicsOf(await narrow.call("GET", "/connections/away/outbox")), ["mine/a"]);
    for (const method of ["GET", "DELETE"])
      assert.equal((await narrow.call(method, `/connections/away/outbox/${other}`)).status, 404);
    assert.equal((await narrow.call("DELETE", `/connections/away/outbox/${mine}`)).status, 204);
    assert.deepEqual(topicsOf(await wide.call("GET", "/connections/away/outbox")), ["other"]);
  });

  it("hold for a webhook that is changed, whoever made it", async () => {
    await using world = await scene();
    const { wide, narrow } = world;
    const hook = { url: "http://127.0.0.1:9/x", topics: ["other/#"] };
    const { body } = await wide.call("POST", "/webhooks", hook);
    for (const change of [{ topics: ["#"] }, { url: "http://127.0.0.1:9/y" }, { enabled: true }])
      assertProblem(await narrow.call("PATCH", `/webhooks/${body.id}`, change), 403, "forbidden");
    // Not even to less: what is still to be delivered is of the topics before.
    const less = await narrow.call("PATCH", `/webhooks/${body.id}`, { topics: ["mine/a"] });
    assertProblem(less, 403, "forbidden");
    const own = await narrow.call("POST", "/webhooks", { ...hook, topics: ["mine/a"] });
    const changed = await narrow.call("PATCH", `/webhooks/${own.body.id}`, { topics: ["mine/b"] });
    assert.equal(changed.status, 200, changed.text);
  });
});
