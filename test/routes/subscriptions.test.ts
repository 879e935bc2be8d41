import assert from "node:assert/strict";
import { assertProblem } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import { allArrived, itMeets, payloads } from "../support/message-parties.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { describe } from "../support/test.ts";

describe("POST /connections/{id}/subscriptions", () => {
  itMeets("201 with what was granted, and a Location that can be read", async (parties) => {
    const answer = await subscribe(parties, "a/+/c d%/#", { qos: 1 });
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(answer.body, {
      topicFilter: "a/+/c d%/#",
      qos: 1,
      grantedQos: 1,
      reasonCode: 1,
      reasonName: "Granted QoS 1",
    });
    const location = answer.headers.get("location") ?? "";
    assert.equal(location, "/connections/home/subscriptions/a%2F%2B%2Fc%20d%25%2F%23");
    assert.deepEqual((await parties.call("GET", location)).body, answer.body);
  });

  itMeets(
    "the same filter again: 200, other options, and its retained messages once more",
    async (parties) => {
      await parties.say("r", "kept", { retain: true });
      assert.equal((await subscribe(parties, "r", { qos: 0 })).status, 201);
      const again = await subscribe(parties, "r", { qos: 2, retainAsPublished: true });
      assert.equal(again.status, 200, again.text);
      assert.deepEqual([again.body.qos, again.body.grantedQos, again.body.retainAsPublished], [2, 2, true]);
      const list = await parties.call("GET", "/connections/home/subscriptions");
      assert.deepEqual(list.body, { items: [again.body] });
      assert.deepEqual(payloads(await allArrived(parties)), ["kept", "kept"]);
    },
  );

  itMeets(
    "a filter that cannot be, an unknown field, too large a number: 422 with the field",
    async (parties) => {
      for (const [body, pointer] of [
        [{ topicFilter: "a/#/b" }, "/topicFilter"],
        [{ topicFilter: "" }, "/topicFilter"],
        [{}, "/topicFilter"],
        [{ topicFilter: "a", qos: 3 }, "/qos"],
        [{ topicFilter: "a", retainHandling: 3 }, "/retainHandling"],
        [{ topicFilter: "a", subscriptionIdentifier: 0 }, "/subscriptionIdentifier"],
        [{ topicFilter: "$share/g/a", noLocal: true }, "/noLocal"],
        [{ topicFilter: "a", retain: true }, "/retain"],
      ] as const) {
        const answer = await parties.call("POST", "/connections/home/subscriptions", body);
        assertProblem(answer, 422, "invalid-request");
        assert.equal(answer.body.errors[0].pointer, pointer);
      }
      assertProblem(await subscribe(parties, "a", {}, "?wait=61"), 422, "invalid-request");
      assertProblem(
        await parties.call("POST", "/connections/nobody/subscriptions", { topicFilter: "a" }),
        404,
        "not-found",
      );
      assert.deepEqual(await subscribedFilters(parties), []);
    },
  );

  itMeets(
    "options of version 5 on a 3.1.1 connection: 422 that names each",
    async (parties) => {
      const options = {
        noLocal: false,
        retainAsPublished: true,
        retainHandling: 1,
        subscriptionIdentifier: 1,
        userProperties: { a: "b" },
      };
      const answer = await subscribe(parties, "a", options);
      assertProblem(answer, 422, "invalid-request");
      assert.deepEqual(
        answer.body.errors.map(({ pointer }: { pointer: string }) => pointer),
        Object.keys(options).map((name) => `/${name}`),
      );
      assert.deepEqual(await subscribedFilters(parties), []);
      assert.equal((await subscribe(parties, "a", { qos: 1 })).status, 201);
    },
    { request: { protocolVersion: "3.1.1" } },
  );

  itMeets(
    "as many as there may be: 429 that names the setting; one that is there may be renewed",
    async (parties) => {
      for (const filter of ["a", "b"]) assert.equal((await subscribe(parties, filter)).status, 201);
      const full = await subscribe(parties, "c");
      assertProblem(full, 429, "limit-reached");
      assert.deepEqual(full.body.limit, { name: "CONNACK_MAX_SUBSCRIPTIONS", value: 2 });
      const reading = await parties.call("GET", "/connections/home/messages?subscribe=c");
      assertProblem(reading, 429, "limit-reached");
      assert.equal((await subscribe(parties, "a", { qos: 1 })).status, 200);
      assert.equal((await parties.call("DELETE", subscriptionPath("b"))).status, 204);
      assert.equal((await subscribe(parties, "c")).status, 201);
    },
    { environment: { CONNACK_MAX_SUBSCRIPTIONS: "2" } },
  );

  itMeets(
    "no more than there may be when they come at once",
    async (parties) => {
      const calls = Array.from({ length: 20 }, (_, n) => subscribe(parties, `t/${n}`));
      const statuses = (await Promise.all(calls)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 201).length, 2, statuses.join());
      assert.equal(statuses.filter((status) => status === 429).length, 18, statuses.join());
      assert.equal((await subscribedFilters(parties)).length, 2);
    },
    { environment: { CONNACK_MAX_SUBSCRIPTIONS: "2" } },
  );
});

describe("GET and DELETE /connections/{id}/subscriptions/{filter}", () => {
  itMeets("204 after UNSUBACK, then 404, and no more messages", async (parties) => {
    assert.equal((await subscribe(parties, "a/#", { qos: 1 })).status, 201);
    await parties.say("a/b", "before");
    assert.equal((await parties.call("DELETE", subscriptionPath("a/#"))).status, 204);
    await parties.say("a/b", "after");
    assertProblem(await parties.call("GET", subscriptionPath("a/#")), 404, "not-found");
    assertProblem(await parties.call("DELETE", subscriptionPath("a/#")), 404, "not-found");
    assert.deepEqual(payloads(await allArrived(parties)), ["before"]);
  });

  itMeets(
    "those of the connection request are in the list, and can be deleted",
    async (parties) => {
      await using events = await parties.app.events("/connections/home/events?lastEventId=earliest");
      await events.next("subscribed");
      await events.next("subscribed");
      const { body } = await parties.call("GET", "/connections/home/subscriptions");
      assert.deepEqual(
        body.items.map(({ topicFilter, grantedQos }: Record<string, unknown>) => [topicFilter, grantedQos]),
        [
          ["a", 2],
          ["b/#", 0],
        ],
      );
      assert.equal((await parties.call("DELETE", subscriptionPath("a"))).status, 204);
      await parties.say("a", "a");
      await parties.say("b", "b");
      assert.deepEqual(payloads(await allArrived(parties)), ["b"]);
    },
    { request: { subscriptions: [{ topicFilter: "a", qos: 2 }, { topicFilter: "b/#" }] } },
  );

  itMeets("what is no filter is not there: 404", async (parties) => {
    for (const filter of ["a", "a/#/b", "%00"]) {
      const path = `/connections/home/subscriptions/${encodeURIComponent(filter)}`;
      assertProblem(await parties.call("GET", path), 404, "not-found");
      assertProblem(await parties.call("DELETE", path), 404, "not-found");
    }
    assertProblem(await parties.call("GET", "/connections/nobody/subscriptions"), 404, "not-found");
  });
});

describe("the events of subscriptions", () => {
  itMeets(
    "subscribed, also for new options, and unsubscribed; none for a call that reads",
    async (parties) => {
      await using events = await parties.app.events("/connections/home/events");
      await events.next("snapshot");
      await subscribe(parties, "a", { qos: 1 });
      await parties.call("GET", "/connections/home/messages?subscribe=read");
      await parties.call("GET", "/connections/home/retained?topic=read&wait=0.1");
      await subscribe(parties, "a", { qos: 2 });
      await parties.call("DELETE", subscriptionPath("a"));
      const told = [await events.next(), await events.next(), await events.next()];
      assert.deepEqual(
        told.map(({ type, data }) => [type, data.topicFilter, data.qos, data.grantedQos, data.reasonCode]),
        [
          ["subscribed", "a", 1, 1, 1],
          ["subscribed", "a", 2, 2, 2],
          ["unsubscribed", "a", undefined, undefined, 0],
        ],
      );
    },
  );
});

describe("what a subscription's options do", () => {
  itMeets("shared: each message goes to one of two connections, and all arrive", async (parties) => {
    assert.equal((await parties.open({ id: "away", url: parties.mosquitto.url })).status, 201);
    const filter = "$share/g/work/#";
    for (const id of ["home", "away"]) {
      const body = { topicFilter: filter, qos: 1 };
      assert.equal((await parties.call("POST", `/connections/${id}/subscriptions`, body)).status, 201);
    }
    const sent = Array.from({ length: 20 }, (_, n) => `${n}`);
    for (const payload of sent) await parties.say("work/x", payload);
    const here = payloads(await allArrived(parties));
    const there: string[] = [];
    while (there.length + here.length < sent.length) {
      const query = `wait=10&limit=1000&topic=${encodeURIComponent(filter)}`;
      const { body } = await parties.call("GET", `/connections/away/messages?${query}`);
      there.splice(0, there.length, ...payloads(body.items));
    }
    assert.ok(here.length > 0 && there.length > 0, `${here.length} and ${there.length}`);
    const order = (a: string, b: string) => Number(a) - Number(b);
    assert.deepEqual([...here, ...there].toSorted(order), sent);
  });

  itMeets("noLocal: our own messages do not come back", async (parties) => {
    await subscribe(parties, "a", { qos: 1, noLocal: true });
    await subscribe(parties, "b", { qos: 1 });
    for (const topic of ["a", "b"]) {
      const body = { topic, payload: `mine in ${topic}`, qos: 1 };
      assert.equal((await parties.call("POST", "/connections/home/publish", body)).status, 200);
    }
    await parties.say("a", "another's in a");
    assert.deepEqual(payloads(await allArrived(parties)), ["mine in b", "another's in a"]);
  });

  itMeets("retainAsPublished: the flag of a live message stands as it was sent", async (parties) => {
    await subscribe(parties, "as/sent", { qos: 1, retainAsPublished: true });
    await subscribe(parties, "plain", { qos: 1 });
    for (const topic of ["as/sent", "plain"]) await parties.say(topic, topic, { retain: true });
    assert.deepEqual(
      (await allArrived(parties)).map(({ topic, retain }) => [topic, retain]),
      [
        ["as/sent", true],
        ["plain", false],
      ],
    );
  });

  for (const [retainHandling, times] of [
    [0, 2],
    [1, 1],
    [2, 0],
  ] as const) {
    itMeets(
      `retainHandling ${retainHandling}: retained messages come ${times} times of 2`,
      async (parties) => {
        await parties.say("r", "kept", { retain: true });
        for (const status of [201, 200])
          assert.equal((await subscribe(parties, "r", { qos: 1, retainHandling })).status, status);
        assert.equal((await allArrived(parties)).length, times);
      },
    );
  }

  itMeets("subscriptionIdentifier comes with each message", async (parties) => {
    await subscribe(parties, "a/#", { qos: 1, subscriptionIdentifier: 268_435_455 });
    await parties.say("a/b", "x");
    const [message] = await allArrived(parties);
    assert.deepEqual(message.properties, { subscriptionIdentifiers: [268_435_455] });
  });

  itMeets("a client that is not ours gets what a subscriber of the same filter gets", async (parties) => {
    await using third = await connectClient(parties.mosquitto.url, { protocolVersion: 5 });
    const seen: string[] = [];
    const all = new Promise<void>((resolve) => {
      third.on("message", (topic) => {
        seen.push(topic);
        if (topic === "a/end") resolve();
      });
    });
    await third.subscribeAsync("a/+", { qos: 1 });
    await subscribe(parties, "a/+", { qos: 1 });
    for (const topic of ["a", "a/b", "a/b/c", "a/", "a/end"]) await parties.say(topic, "x");
    await all;
    assert.deepEqual(
      (await allArrived(parties)).map(({ topic }) => topic),
      seen,
    );
  });
});
