import assert from "node:assert/strict";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome, post, published } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

const hello = Buffer.from("hello");

/** Each option as a parameter and a header, and what the broker gets. */
const options: readonly (readonly [
  query: string,
  header: string,
  value: string,
  expected: Record<string, unknown>,
])[] = [
  ["contentType=text%2Fcsv", "Mqtt-Content-Type", "text/csv", { contentType: "text/csv" }],
  ["messageExpiryInterval=60", "Mqtt-Message-Expiry-Interval", "60", { messageExpiryInterval: 60 }],
  ["responseTopic=r%2F%C3%A9", "Mqtt-Response-Topic", "r/%C3%A9", { responseTopic: "r/é" }],
  ["correlationData=%E2%82%AC", "Mqtt-Correlation-Data", "%E2%82%AC", { correlationData: Buffer.from("€") }],
  ["payloadFormatIndicator=1", "Mqtt-Payload-Format-Indicator", "1", { payloadFormatIndicator: true }],
];

describe("options of a raw publish", () => {
  for (const [query, header, value, expected] of options) {
    itHolds(`${header}, by query and by header`, async (rig) => {
      const peer = await openHome(rig);
      const byQuery = await published(rig, peer, `&${query}`);
      const byHeader = await published(rig, peer, "", { [header]: value });
      for (const { properties } of [byQuery, byHeader]) assert.deepEqual({ ...properties }, expected);
    });
  }

  itHolds("qos and retain, by query and by header", async (rig) => {
    const peer = await openHome(rig);
    await post(rig, "?topic=a&qos=2&retain", hello);
    await post(rig, "?topic=a&qos=2&retain=true", hello);
    await post(rig, "?topic=a", hello, { "Mqtt-Qos": "2", "Mqtt-Retain": "true" });
    await post(rig, "?topic=a&qos=2&retain=false", hello);
    assert.deepEqual(
      publishesAt(peer).map(({ qos, retain }) => [qos, retain]),
      [
        [2, true],
        [2, true],
        [2, true],
        [2, false],
      ],
    );
  });

  itHolds("topicAlias, as far as the broker takes them", async (rig) => {
    await openHome(rig);
    for (const [query, headers] of [
      ["&topicAlias=1", {}],
      ["", { "Mqtt-Topic-Alias": "1" }],
    ] as const)
      assertProblem(await post(rig, `?topic=a&qos=1${query}`, hello, headers), 422, "broker-limit");
  });

  itHolds("userProperty may repeat; in a header names and values are percent-decoded", async (rig) => {
    const peer = await openHome(rig);
    const byQuery = await published(rig, peer, "&userProperty=a=1&userProperty=a=2&userProperty=b=c%3Dd+e");
    assert.deepEqual({ ...byQuery.properties?.userProperties }, { a: ["1", "2"], b: "c=d e" });
    const header = "a=1, a=2,b=%2C%C3%A9,%3D%2C=";
    const byHeader = await published(rig, peer, "", { "Mqtt-User-Property": header });
    assert.deepEqual({ ...byHeader.properties?.userProperties }, { a: ["1", "2"], b: ",é", "=,": "" });
  });

  itHolds("the query wins over headers", async (rig) => {
    const peer = await openHome(rig);
    const headers = {
      "Mqtt-Content-Type": "text/plain",
      "Mqtt-User-Property": "a=1",
      "Mqtt-Qos": "2",
      "Mqtt-Retain": "true",
    };
    const query = "&contentType=text/csv&userProperty=b=2&retain=false";
    const { qos, retain, properties } = await published(rig, peer, query, headers);
    assert.deepEqual([qos, retain], [1, false]);
    assert.deepEqual({ ...properties?.userProperties }, { b: "2" });
    assert.equal(properties?.contentType, "text/csv");
  });

  itHolds("Content-Type becomes the content type, but for curl's form and where it is said", async (rig) => {
    const peer = await openHome(rig);
    const typeOf = async (query: string, type: string) =>
      (await published(rig, peer, query, { "content-type": type })).properties?.contentType;
    assert.equal(await typeOf("", "image/png"), "image/png");
    assert.equal(await typeOf("", "application/x-www-form-urlencoded"), undefined);
    assert.equal(await typeOf("&contentType=a", "image/png"), "a");
    assert.equal(await typeOf("&contentType=", "image/png"), undefined);
  });

  itHolds(
    "on 3.1.1 Content-Type is ignored, and what only MQTT 5 has is refused by its name",
    async (rig) => {
      const peer = await openHome(rig, { protocolVersion: "3.1.1" });
      const { topic, properties } = await published(rig, peer, "", { "content-type": "image/png" });
      assert.equal(topic, "a");
      assert.deepEqual({ ...properties }, {});
      const answer = await post(rig, "?topic=a&contentType=b&userProperty=c=d", hello, {
        "Mqtt-Message-Expiry-Interval": "1",
      });
      assertProblem(answer, 422, "invalid-request");
      assert.deepEqual(
        answer.body.errors.map(({ parameter }: { parameter: string }) => parameter).toSorted(),
        ["Mqtt-Message-Expiry-Interval", "contentType", "userProperty"],
      );
      assert.match(answer.body.errors[0].detail, /only in MQTT 5/);
      assert.equal(publishesAt(peer).length, 1);
    },
  );

  for (const [query, headers, parameter] of [
    ["&bla=1", {}, "bla"],
    ["", { "Mqtt-Bla": "1" }, "mqtt-bla"],
    ["&qos=3", {}, "qos"],
    ["&qos=0&qos=1", {}, "qos"],
    ["&topic=b", {}, "topic"],
    ["&retain=1", {}, "retain"],
    ["&wait=61", {}, "wait"],
    ["&wait=1&wait=2", {}, "wait"],
    ["", { "Mqtt-Qos": "1, 2" }, "Mqtt-Qos"],
    ["&messageExpiryInterval=-1", {}, "messageExpiryInterval"],
    ["&messageExpiryInterval=4294967296", {}, "messageExpiryInterval"],
    ["&payloadFormatIndicator=2", {}, "payloadFormatIndicator"],
    ["&topicAlias=0", {}, "topicAlias"],
    ["&responseTopic=a/%2B", {}, "responseTopic"],
    ["", { "Mqtt-Response-Topic": "#" }, "Mqtt-Response-Topic"],
    ["&contentType=%00", {}, "contentType"],
    ["&contentType=%FF", {}, "contentType"],
    ["", { "Mqtt-Correlation-Data": "%FF" }, "Mqtt-Correlation-Data"],
    ["&userProperty=a", {}, "userProperty"],
    ["&userProperty=__proto__=a", {}, "userProperty"],
    ["", { "Mqtt-User-Property": "a=b,c" }, "Mqtt-User-Property"],
    ["", { "Mqtt-User-Property": "a=caf\u00e9" }, "Mqtt-User-Property"],
    ["", { "Mqtt-Content-Type": "caf\u00e9" }, "Mqtt-Content-Type"],
  ] as const) {
    itHolds(`422 that names ${parameter}: ${query}${JSON.stringify(headers)}`, async (rig) => {
      const peer = await openHome(rig);
      const answer = await post(rig, `?topic=a${query}`, hello, headers);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, parameter);
      if (JSON.stringify(headers).includes("é")) assert.match(answer.body.detail, /percent-encode/);
      assert.equal(publishesAt(peer).length, 0);
    });
  }

  itHolds(
    "a topic that is not percent-encoded UTF-8 is refused, and not taken as it is written",
    async (rig) => {
      const peer = await openHome(rig);
      const answer = await post(rig, "?topic=%ff", hello);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, "topic");
      assert.equal(publishesAt(peer).length, 0);
    },
  );
});
