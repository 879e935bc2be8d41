import assert from "node:assert/strict";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { assertLogIsSafe, odd } from "../support/odd-texts.ts";
import { startMain } from "../support/program.ts";
import { acknowledgesWith, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("S42: reason strings with odd characters", () => {
  itHolds("S42: a refusal's reason is what the broker said, and one line in the log", async (rig) => {
    let reasonString = "";
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("publish", ({ messageId = 0 }) =>
          peer.send({ cmd: "puback", messageId, reasonCode: 0x87, properties: { reasonString } }),
        );
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    for (const [what, text] of odd) {
      reasonString = text;
      const answer = await publish(rig, "t", "x", "&qos=1");
      assertProblem(answer, 403, "broker-not-authorized");
      assert.equal(answer.body.mqtt.reasonString, text, what);
    }
    assertLogIsSafe(rig.app.logs);
  });

  itHolds("S42: one that came twice is none, for the answer has a text there", async (rig) => {
    const text = (one: string) => Buffer.from([0x1f, 0, one.length, ...Buffer.from(one)]);
    const twice = Buffer.concat([text("a"), text("b")]);
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("publish", ({ messageId = 0 }) => {
          const head = [0x40, 4 + twice.length, messageId >> 8, messageId & 0xff, 0x00, twice.length];
          peer.sendBytes(Buffer.concat([Buffer.from(head), twice]));
        });
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const answer = await publish(rig, "t", "x", "&qos=1");
    assert.deepEqual([answer.status, answer.body.reasonString], [200, undefined]);
  });

  itHolds("S42: of a refused subscription, the event streams parse", async (rig) => {
    let reasonString = "";
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("subscribe", ({ messageId = 0 }) =>
          peer.send({ cmd: "suback", messageId, granted: [0x87], properties: { reasonString } }),
        );
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    await using events = await rig.app.events("/connections/home/events?types=subscription-refused");
    for (const [what, text] of odd) {
      reasonString = text;
      const path = "/connections/home/subscriptions";
      const answer = await rig.call("POST", path, { topicFilter: text });
      assertProblem(answer, 403, "broker-not-authorized");
      assert.equal(answer.body.mqtt.reasonString, text, what);
      assert.equal((await events.next("subscription-refused")).data.topicFilter, text, what);
    }
    assertLogIsSafe(rig.app.logs);
  });

  it("S42: in the log as text, each event is one line, and nothing in it acts on a terminal", async () => {
    const reasonString = odd.map(([, text]) => text).join("");
    await using broker = await startScriptedBroker(
      opens({}, (peer) => acknowledgesWith(peer, { puback: { reasonCode: 0x87, reasonString } })),
    );
    await using program = startMain({ CONNACK_LOG_FORMAT: "text", CONNACK_LOG_LEVEL: "debug" });
    const url = (await program.printed(/http:\S+/)).trim();
    const post = (path: string, body: object) =>
      fetch(`${url}${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      });
    assert.equal((await post("/connections", { id: "home", url: broker.url })).status, 201);
    for (const [, text] of odd) {
      const topic = text.replaceAll(/[+#]/g, "");
      assert.equal((await post("/connections/home/publish", { topic, payload: text, qos: 1 })).status, 403);
    }
    const requestId = (await fetch(`${url}/healthz`)).headers.get("x-request-id");
    await program.printed(new RegExp(`${requestId}`));
    for (const line of program.output().split("\n").filter(Boolean)) {
      assert.match(line, /^(connack listening on|\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) )/, line);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    }
  });
});
