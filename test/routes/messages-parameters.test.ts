import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { opens, message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

const home = "/connections/home";
const path = `${home}/messages`;

async function open(rig: Rig): Promise<void> {
  const broker = await rig.broker(accepts());
  await rig.open({ id: "home", url: broker.url });
}

describe("GET /connections/{id}/messages", () => {
  itHolds("takes Last-Event-ID on a page for the cursor, too", async (rig) => {
    const broker = await rig.broker(
      opens({}, (peer) => {
        for (const text of ["1", "2", "3"]) peer.send(message("t", text));
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    for (;;) {
      const { body } = await rig.call("GET", `${path}?wait=5`);
      if (body.items.length < 3) continue;
      const [, second, third] = body.items;
      const after = await rig.call("GET", path, undefined, { "last-event-id": second.id });
      assert.deepEqual(after.body.items, [third]);
      assert.deepEqual((await rig.call("GET", `${path}?lastEventId=${second.id}`)).body.items, [third]);
      return;
    }
  });

  for (const parameter of ["limit=5", "wait=5"]) {
    itHolds(`${parameter} on a stream, which would never end: 422`, async (rig) => {
      await open(rig);
      for (const format of ["sse", "ndjson"]) {
        const answer = await rig.call("GET", `${path}?format=${format}&${parameter}`);
        assertProblem(answer, 422, "invalid-request");
        assert.equal(answer.body.errors[0].parameter, parameter.split("=")[0]);
      }
    });
  }
});

describe("errors of the schemas", () => {
  const calls: readonly (readonly [method: string, path: string, body: unknown, detail: string])[] = [
    ["POST", `${home}/publish`, {}, "/topic: is missing; expected a string"],
    ["POST", `${home}/subscriptions`, {}, "/topicFilter: is missing; expected a string"],
    ["POST", `${home}/subscriptions`, [], "the body: expected an object, not an array"],
    ["GET", `${home}/retained`, undefined, "topic: is missing; expected a string"],
    ["GET", `${path}?payload=hex`, undefined, 'payload: expected one of "auto", "base64", "json"'],
    [
      "POST",
      `${home}/publish`,
      { topic: "t", properties: { payloadFormatIndicator: 1 }, payload: "/w==", payloadEncoding: "base64" },
      "/properties/payloadFormatIndicator: says that the payload is UTF-8, which it is not",
    ],
  ];
  for (const [method, to, body, detail] of calls) {
    itHolds(`${method} ${to}: ${detail}`, async (rig) => {
      await open(rig);
      const answer = await rig.call(method, to, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.detail, detail);
    });
  }
});

describe("silence of a broker", () => {
  itHolds("a retained read without SUBACK is 504, and no 404", async (rig) => {
    const broker = await rig.broker(opens({}, (peer) => peer.answer("subscribe", () => {})));
    await rig.open({ id: "home", url: broker.url });
    const answer = await rig.call("GET", `${home}/retained?topic=t&wait=0.3`);
    assertProblem(answer, 504, "acknowledgement-timeout");
  });

  itHolds("a request that was sent may be carried out: 504 says so", async (rig) => {
    await open(rig);
    const body = { topic: "t", timeoutMs: 300, qos: 0 };
    const answer = await rig.call("POST", `${home}/request`, body);
    assertProblem(answer, 504, "response-timeout");
    assert.equal(answer.body.duplicatePossible, true);
  });
});
