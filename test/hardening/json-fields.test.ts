import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

/** Where an integer is asked: the call, its body with `?` for the number, and the pointer. */
const integers: readonly (readonly [path: string, body: string, pointer: string])[] = [
  ["/connections", `{"host":"127.0.0.1","port":?}`, "/port"],
  ["/connections", `{"url":"URL","keepAlive":?}`, "/keepAlive"],
  ["/connections", `{"url":"URL","connectTimeoutMs":?}`, "/connectTimeoutMs"],
  ["/connections", `{"url":"URL","idleTtlMs":?}`, "/idleTtlMs"],
  ["/connections", `{"url":"URL","log":{"messages":?}}`, "/log/messages"],
  ["/connections", `{"url":"URL","reconnect":{"maxAttempts":?}}`, "/reconnect/maxAttempts"],
  ["/connections", `{"url":"URL","properties":{"receiveMaximum":?}}`, "/properties/receiveMaximum"],
  [
    "/connections",
    `{"url":"URL","properties":{"sessionExpiryInterval":?}}`,
    "/properties/sessionExpiryInterval",
  ],
  ["/connections", `{"url":"URL","will":{"topic":"a","qos":?}}`, "/will/qos"],
  ["/connections", `{"url":"URL","subscriptions":[{"topicFilter":"a","qos":?}]}`, "/subscriptions/0/qos"],
  ["/connections/home/subscriptions", `{"topicFilter":"a","qos":?}`, "/qos"],
  [
    "/connections/home/subscriptions",
    `{"topicFilter":"a","subscriptionIdentifier":?}`,
    "/subscriptionIdentifier",
  ],
  ["/connections/home/publish", `{"topic":"a","qos":?}`, "/qos"],
  ["/connections/home/publish", `{"topic":"a","properties":{"topicAlias":?}}`, "/properties/topicAlias"],
  [
    "/connections/home/publish",
    `{"topic":"a","properties":{"messageExpiryInterval":?}}`,
    "/properties/messageExpiryInterval",
  ],
  ["/connections/home/request", `{"topic":"a","timeoutMs":?}`, "/timeoutMs"],
];

const numbers = [
  ...["1e400", "-1e400", "1E-400", "123456789012345678901234567890", "0.99999999999999999999"],
  ...["1.5", "-1", '"1"', "true", "9007199254740993", "1e30"],
];

/** A broker that takes all, and the connection `home` to it. */
async function urlOf(rig: Rig): Promise<string> {
  const broker = await rig.broker(accepts());
  await openHome(rig);
  return broker.url;
}

describe("numbers in JSON where an integer is asked", () => {
  itHolds("each that is none, or not the one that it says: 422 with its pointer", async (rig) => {
    const url = await urlOf(rig);
    for (const [path, body, pointer] of integers)
      for (const number of numbers) {
        const answer = await rig.call("POST", path, body.replace("URL", url).replace("?", number));
        assertProblem(answer, 422, "invalid-request");
        assert.equal(answer.body.errors[0].pointer, pointer, `${body} ${number}: ${answer.text}`);
      }
  });

  itHolds("integers that are written in another way are read as what they are", async (rig) => {
    const peer = await openHome(rig);
    for (const [text, qos] of [
      ["1.0", 1],
      ["1e0", 1],
      ["10E-1", 1],
      ["-0", 0],
      ["0.0e5", 0],
    ] as const) {
      const answer = await rig.call("POST", "/connections/home/publish", `{"topic":"a","qos":${text}}`);
      assert.ok(answer.status < 300, answer.text);
      if (qos > 0) assert.equal(publishesAt(peer).at(-1)?.qos, qos, text);
      else assert.equal(answer.body.qos, 0);
    }
    const opened = await rig.open({ id: "o", url: (await rig.broker(accepts())).url });
    assert.equal(opened.status, 201);
    const put = await rig.call(
      "PUT",
      "/connections/o",
      `{"url":"${opened.body.broker.url}","keepAlive":-0,"durable":false}`,
    );
    assert.deepEqual([put.status, put.body.request.keepAlive], [200, 0], put.text);
  });
});

const inherited = ["constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "prototype"];

describe("names that objects have already", () => {
  itHolds("are fields that there are not, in each body", async (rig) => {
    const url = await urlOf(rig);
    for (const name of [...inherited, "__proto__", "__defineGetter__"])
      for (const [path, body, pointer] of [
        ["/connections", `{"url":"${url}","${name}":1}`, `/${name}`],
        ["/connections", `{"url":"${url}","will":{"topic":"a","${name}":{}}}`, `/will/${name}`],
        ["/connections", `{"url":"${url}","tls":{"${name}":{}}}`, `/tls/${name}`],
        ["/probe", `{"url":"${url}","${name}":{}}`, `/${name}`],
        ["/webhooks", `{"url":"https://a.example","events":["*"],"${name}":1}`, `/${name}`],
        ["/connections/home/publish", `{"topic":"a","${name}":1}`, `/${name}`],
        ["/connections/home/publish", `{"topic":"a","properties":{"${name}":1}}`, `/properties/${name}`],
        ["/connections/home/subscriptions", `{"topicFilter":"a","${name}":1}`, `/${name}`],
        ["/connections/home/request", `{"topic":"a","${name}":1}`, `/${name}`],
        ["/connections/home/reconnect", `{"${name}":1}`, `/${name}`],
      ] as const) {
        const answer = await rig.call("POST", path, body);
        assertProblem(answer, 422, "invalid-request");
        const pointers = answer.body.errors.map((error: { pointer: string }) => error.pointer);
        assert.ok(pointers.includes(pointer), `${path} ${body}: ${answer.text}`);
      }
    assert.equal("polluted" in {}, false);
  });

  itHolds("are names as others where a map is asked, except __proto__", async (rig) => {
    const peer = await openHome(rig);
    const broker = await rig.broker(accepts());
    const map = Object.fromEntries(inherited.map((name) => [name, name]));
    const userProperties = Object.fromEntries(inherited.map((name) => [name, [name, ""]]));
    const opened = await rig.open({ url: broker.url, labels: map, properties: { userProperties } });
    assert.equal(opened.status, 201, opened.text);
    assert.deepEqual(opened.body.request.labels, map);
    assert.deepEqual(opened.body.request.properties.userProperties, userProperties);
    const found = await rig.call("GET", "/connections?label=toString:toString");
    assert.equal(found.body.items.length, 1);
    const published = await rig.call("POST", "/connections/home/publish", {
      topic: "a",
      qos: 1,
      properties: { userProperties: map },
    });
    assert.equal(published.status, 200, published.text);
    assert.deepEqual({ ...publishesAt(peer)[0]?.properties?.userProperties }, map);
    for (const body of [
      `{"url":"${broker.url}","labels":{"__proto__":"x"}}`,
      `{"url":"${broker.url}","properties":{"userProperties":{"__proto__":"x"}}}`,
      `{"url":"ws://127.0.0.1","websocket":{"headers":{"__proto__":"x"}}}`,
    ]) {
      const answer = await rig.call("POST", "/connections", body);
      assertProblem(answer, 422, "invalid-request");
      assert.match(answer.body.errors[0].pointer, /\/__proto__$/);
    }
  });
});

describe("the media type of what is read as JSON", () => {
  itHolds("is asked of each call that reads it: no form, no text, and not nothing", async (rig) => {
    const url = await urlOf(rig);
    const hook = await rig.call("POST", "/webhooks", { url: "https://127.0.0.1:1", events: ["*"] });
    assert.equal(hook.status, 201, hook.text);
    const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];
    for (const type of [...types, "text/json", "application/jsonx", "application/json, text/plain", "*/*"])
      for (const [method, path, body] of [
        ["POST", "/connections", { url }],
        ["PUT", "/connections/other", { url }],
        ["POST", "/probe", { url }],
        ["POST", "/connections/home/subscriptions", { topicFilter: "a" }],
        ["POST", "/connections/home/request", { topic: "a" }],
        ["POST", "/connections/home/reconnect", { username: "a" }],
        ["POST", "/webhooks", { url: "https://127.0.0.1:1", events: ["*"] }],
        ["PATCH", `/webhooks/${hook.body.id}`, { enabled: false }],
        ["POST", "/connections/home/publish", { topic: "a" }],
      ] as const) {
        const response = await fetch(`${rig.app.url}${path}`, {
          method,
          // Bytes, for which nobody adds a type.
          body: Buffer.from(JSON.stringify(body)),
          headers: type === "" ? {} : { "content-type": type },
        });
        const { code } = (await response.json()) as { code: string };
        // Without ?topic= these could be payloads that lack it, of which the answer tells.
        const lacksTopic = path.endsWith("/publish") && (type === "" || type === types[1]);
        const expected = lacksTopic ? [422, "invalid-request"] : [415, "unsupported-media-type"];
        assert.deepEqual([response.status, code], expected, `${method} ${path} as ${type}`);
      }
    await rig.call("DELETE", `/webhooks/${hook.body.id}`);
  });
});
