import assert from "node:assert/strict";
import { assertProblem } from "../support/invariants.ts";
import { type MessageView, messages, subscribe } from "../support/message-calls.ts";
import { allArrived, itMeets, type Parties, payloads } from "../support/message-parties.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/messages";
const all = { request: { subscriptions: [{ topicFilter: "#", qos: 1 }] } } as const;

async function sayAll(parties: Parties, count: number, topic = "t"): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  await Promise.all(numbers.map((n) => parties.say(topic, `${n}`)));
}

describe("GET /connections/{id}/messages", () => {
  itMeets("what arrived, oldest first, each as it was sent; reading removes nothing", async (parties) => {
    await subscribe(parties, "#", { qos: 2 });
    const properties = {
      contentType: "text/csv",
      responseTopic: "r",
      correlationData: Buffer.from("c"),
      userProperties: { a: "b" },
      payloadFormatIndicator: true,
      messageExpiryInterval: 100,
    };
    await parties.say("a/b", "21.5", { qos: 2, properties });
    const [first] = await messages(parties, 1);
    await parties.say("c", Buffer.from([0xff]), { qos: 0 });
    const [second] = await messages(parties, 1, first.id);
    const { id, at, properties: told, ...rest } = first;
    assert.deepEqual(rest, {
      topic: "a/b",
      payload: "21.5",
      payloadEncoding: "utf8",
      qos: 2,
      retain: false,
      dup: false,
    });
    assert.match(id, /^[0-9a-f]{12}-1$/);
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000, at);
    const { messageExpiryInterval, ...others } = told;
    assert.ok(messageExpiryInterval <= 100);
    assert.deepEqual(others, {
      contentType: "text/csv",
      responseTopic: "r",
      correlationData: "c",
      userProperties: { a: "b" },
      payloadFormatIndicator: 1,
    });
    assert.deepEqual([second.payload, second.payloadEncoding, second.qos], ["/w==", "base64", 0]);
    assert.deepEqual(second.properties, {});
    const again = await parties.call("GET", path);
    assert.deepEqual(again.body, { items: [first, second], next: second.id });
    assert.equal(again.headers.get("cache-control"), "no-store");
  });

  itMeets(
    "pages of any size together have each message once, in order",
    async (parties) => {
      await sayAll(parties, 25);
      const whole = payloads(await allArrived(parties));
      assert.deepEqual(
        whole.toSorted((a, b) => Number(a) - Number(b)),
        Array.from({ length: 25 }, (_, n) => `${n}`),
      );
      for (const limit of [1, 7, 25, 1000]) {
        const seen: string[] = [];
        for (let after = ""; ;) {
          const { body } = await parties.call("GET", `${path}?limit=${limit}&topic=t&after=${after}`);
          assert.ok(body.items.length <= limit);
          assert.equal(body.gap, undefined);
          if (body.items.length === 0) break;
          seen.push(...payloads(body.items));
          after = body.next;
        }
        assert.deepEqual(seen, whole, `limit=${limit}`);
      }
    },
    all,
  );

  itMeets(
    "?topic shows what fits, and its cursor moves past the rest",
    async (parties) => {
      await sayAll(parties, 3, "a/x");
      await sayAll(parties, 600, "b");
      await sayAll(parties, 2, "a/y");
      await allArrived(parties);
      const first = await parties.call("GET", `${path}?topic=a/%2B&limit=3`);
      assert.deepEqual(new Set(first.body.items.map(({ topic }: MessageView) => topic)), new Set(["a/x"]));
      const second = await parties.call("GET", `${path}?topic=a/%2B&after=${first.body.next}`);
      assert.deepEqual(
        second.body.items.map(({ topic }: MessageView) => topic),
        ["a/y", "a/y"],
      );
      const none = await parties.call("GET", `${path}?topic=nothing`);
      assert.deepEqual(none.body.items, []);
      await parties.say("late", "x");
      const [late] = await messages(parties, 1, none.body.next);
      assert.equal(late.topic, "late");
    },
    all,
  );

  itMeets(
    "after=latest is after what is there, after=earliest before it, as is no cursor",
    async (parties) => {
      await parties.say("t", "1");
      const [one] = await messages(parties, 1);
      const latest = await parties.call("GET", `${path}?after=latest`);
      assert.deepEqual(latest.body, { items: [], next: one.id });
      await parties.say("t", "2");
      assert.deepEqual(payloads(await messages(parties, 1, latest.body.next)), ["2"]);
      for (const query of ["", "?after=", "?after=earliest"])
        assert.deepEqual(payloads((await parties.call("GET", `${path}${query}`)).body.items), ["1", "2"]);
    },
    all,
  );

  itMeets("what it cannot take: 404, 406, 422 with the parameter", async (parties) => {
    assertProblem(await parties.call("GET", "/connections/nobody/messages"), 404, "not-found");
    const odd = await parties.call("GET", path, undefined, { accept: "image/png" });
    assertProblem(odd, 406, "not-acceptable");
    for (const query of [
      "limit=0",
      "limit=1001",
      "wait=61",
      "topic=a%23",
      "payload=hex",
      "format=xml",
      "qos=1",
      "subscribe=",
      `after=${"x".repeat(129)}`,
      "since=1",
    ]) {
      const answer = await parties.call("GET", `${path}?${query}`);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, query.split("=")[0]);
    }
  });
});

describe("a gap in GET /connections/{id}/messages", () => {
  itMeets(
    "an id that this log never gave: unknown, or restarted where it is another log's; then from the oldest",
    async (parties) => {
      await parties.open({ id: "away", url: parties.mosquitto.url, ...all.request });
      await parties.say("t", "1");
      const [one] = await messages(parties, 1);
      const other = await parties.call("GET", "/connections/away/messages?wait=10");
      const [epoch] = one.id.split("-");
      for (const [id, reason] of [
        ["nonsense", "unknown"],
        [`${epoch}-999`, "unknown"],
        [other.body.next, "restarted"],
      ]) {
        const { body } = await parties.call("GET", `${path}?after=${id}`);
        assert.deepEqual(body, {
          items: [one],
          next: one.id,
          gap: { requested: id, oldest: one.id, reason },
        });
      }
    },
    all,
  );

  itMeets(
    "an id that the log has dropped: expired, told at once though there is a wait",
    async (parties) => {
      const first = await parties.call("GET", path);
      await sayAll(parties, 4);
      await allArrived(parties);
      const { body } = await parties.call("GET", `${path}?wait=20&topic=nothing&after=${first.body.next}`);
      assert.deepEqual([body.items, body.gap.reason, body.gap.requested], [[], "expired", first.body.next]);
    },
    { request: { log: { messages: 2 }, subscriptions: [{ topicFilter: "#", qos: 1 }] } },
  );

  itMeets("of a connection that was replaced by PUT: restarted", async (parties) => {
    await subscribe(parties, "t", { qos: 1 });
    await parties.say("t", "1");
    const [one] = await messages(parties, 1);
    const request = { url: parties.mosquitto.url, keepAlive: 30 };
    assert.equal((await parties.call("PUT", "/connections/home", request)).status, 200);
    const { body } = await parties.call("GET", `${path}?after=${one.id}`);
    assert.deepEqual(body.items, []);
    assert.deepEqual(body.gap, { requested: one.id, oldest: null, reason: "restarted" });
    assertProblem(await parties.call("GET", `${path}/${one.id}/payload`), 404, "not-found");
  });
});

describe("the size of a page", () => {
  itMeets(
    "4 MiB of messages are a page, however many are asked for; the rest is on the next",
    async (parties) => {
      const payload = "x".repeat(1_000_000);
      for (let n = 0; n < 6; n += 1) await parties.say("big", payload);
      await allArrived(parties);
      const first = await parties.call("GET", `${path}?limit=1000&topic=big`);
      assert.equal(first.body.items.length, 4);
      assert.ok(first.text.length < 4_194_304 + 10_000);
      const second = await parties.call("GET", `${path}?limit=1000&topic=big&after=${first.body.next}`);
      assert.equal(second.body.items.length, 2);
      const one = await parties.call("GET", `${path}?limit=1&after=${second.body.items[0].id}`);
      assert.equal(one.body.items[0].payload.length, payload.length);
    },
    { request: { log: { bytes: 16_777_216 }, subscriptions: [{ topicFilter: "#", qos: 1 }] } },
  );
});
