import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

const withMosquitto = { skip: needs("mosquitto") };

/** What the broker gets of these fields. */
async function received(rig: Rig, fields: object, suffix = "") {
  const broker = await rig.broker(accepts());
  const url = `mqtt://${suffix}127.0.0.1:${broker.port}`;
  const answer = await rig.open({ id: "c", url, username: undefined, password: undefined, ...fields });
  assert.equal(answer.status, 201, answer.text);
  const [connect] = (await broker.connection(1)).received;
  assert.ok(connect?.cmd === "connect");
  return { username: connect.username, password: connect.password, body: answer.body };
}

describe("username and password", () => {
  itHolds("arrive as UTF-8, and show as true", async (rig) => {
    const { username, password, body } = await received(rig, {
      username: "jürgen",
      password: `${rig.canary}ß`,
    });
    assert.equal(username, "jürgen");
    assert.equal(String(password), `${rig.canary}ß`);
    assert.equal(body.request.password, true);
    assert.equal(body.request.username, true);
  });

  itHolds("base64: any bytes", async (rig) => {
    const bytes = Buffer.from([0, 255, 1, 0x80, 10, 13]);
    const encoded = { password: bytes.toString("base64"), passwordEncoding: "base64" };
    const { password } = await received(rig, { username: "u", ...encoded });
    assert.deepEqual(Buffer.from(password ?? []), bytes);
  });

  itHolds("in the URL: percent-decoded, moved, and never shown again", async (rig) => {
    const { username, password, body } = await received(rig, {}, `us%40er:${rig.canary}%2F@`);
    assert.equal(username, "us@er");
    assert.equal(String(password), `${rig.canary}/`);
    assert.equal(body.request.password, true);
    assert.ok(!JSON.stringify(body).includes("us@er"));
    assert.ok(!body.request.url.includes("@"));
  });

  itHolds("a password alone: 422 whatever the version, since it could not be sent", async (rig) => {
    const broker = await rig.broker(accepts());
    for (const protocolVersion of ["3.1", "3.1.1", "5", "auto"]) {
      const answer = await rig.open({ url: broker.url, password: rig.canary, protocolVersion });
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, "/password");
    }
    assert.equal(broker.peers.length, 0);
  });

  itHolds("a password with an empty username", async (rig) => {
    const { username, password } = await received(rig, { username: "", password: rig.canary });
    assert.equal(username, "");
    assert.equal(String(password), rig.canary);
  });

  itHolds("none: CONNECT has none", async (rig) => {
    const { username, password } = await received(rig, {});
    assert.equal(username, undefined);
    assert.equal(password, undefined);
  });

  itHolds("in the URL and beside it: 422", async (rig) => {
    const answer = await rig.open({ url: `mqtt://u:${rig.canary}@127.0.0.1`, password: rig.canary });
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].pointer, "/password");
  });
});

describe("mosquitto with passwords and access rules", () => {
  const start = (password: string) =>
    startMosquitto({ users: { alice: password }, acl: "user alice\ntopic readwrite mine/#\n" });

  itHolds(
    "the right password connects; a wrong one is the broker's refusal, and never our 401 or 403",
    async (rig) => {
      await using broker = await start(rig.canary);
      assert.equal((await rig.open({ url: broker.url, username: "alice" })).status, 201);
      for (const [protocolVersion, code] of [
        ["5", 0x87],
        ["3.1.1", 5],
      ] as const) {
        const request = { url: broker.url, username: "alice", password: `${rig.canary}x`, protocolVersion };
        const answer = await rig.open(request);
        assertProblem(answer, 502, "broker-refused");
        assert.equal(answer.body.mqtt.reasonCode, code);
      }
      assertProblem(
        await rig.open({ url: broker.url, password: undefined, username: undefined }),
        502,
        "broker-refused",
      );
    },
    withMosquitto,
  );

  itHolds(
    "a topic that the rules forbid: its messages do not arrive, the others do",
    async (rig) => {
      await using broker = await start(rig.canary);
      const subscriptions = [{ topicFilter: "other/#" }, { topicFilter: "mine/#" }];
      const { status } = await rig.open({ id: "rules", url: broker.url, username: "alice", subscriptions });
      assert.equal(status, 201);
      await using events = await rig.app.events("/connections/rules/events?lastEventId=earliest");
      for (const _ of subscriptions) await events.next("subscribed");
      await using sender = await connectClient(broker.url, { username: "alice", password: rig.canary });
      for (const topic of ["other/1", "mine/1"]) await sender.publishAsync(topic, "x", { qos: 1 });
      assert.equal((await rig.call("POST", "/connections/rules/ping")).status, 200);
      assert.equal((await rig.call("GET", "/connections/rules")).body.counters.messagesIn, 1);
    },
    withMosquitto,
  );
});
