import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { publish, publishJson, subscribe, subscriptionPath } from "../support/message-calls.ts";
import { describe } from "../support/test.ts";
import { inState, viewWhen } from "../support/view.ts";

const kept = [{ topicFilter: "kept/+", qos: 1 }];

/** Every call that needs a broker. */
const calls: readonly (readonly [what: string, call: (rig: Rig) => Promise<Answer>])[] = [
  ["publish at QoS 0", (rig) => publish(rig, "t", "x")],
  ["publish at QoS 1", (rig) => publish(rig, "t", "x", "&qos=1")],
  ["publish at QoS 2 as JSON", (rig) => publishJson(rig, { topic: "t", payload: "x", qos: 2 })],
  ["subscribe", (rig) => subscribe(rig, "new/+")],
  ["unsubscribe", (rig) => rig.call("DELETE", subscriptionPath("kept/+"))],
  ["request", (rig) => rig.call("POST", "/connections/home/request", { topic: "t", payload: "x" })],
];

describe("S35: calls on a connection that is not connected", () => {
  for (const [what, call] of calls) {
    itHolds(`S35: ${what} while waiting is 503 with Retry-After, at once`, async (rig) => {
      const url = `mqtt://127.0.0.1:${await freePort()}`;
      const request = { id: "home", url, subscriptions: kept, reconnect: { minDelayMs: 60_000 } };
      await rig.open(request, "?wait=0");
      await viewWhen(rig.app, "home", inState("waiting"));
      const [answer, ms] = await timed(call(rig));
      assertProblem(answer, 503, "temporarily-not-connected");
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
      assert.equal(answer.body.retryable, true);
      assert.notEqual(answer.body.duplicatePossible, true);
      assert.ok(ms < 1_000, `${ms} ms`);
    });

    itHolds(`S35: ${what} while connecting is 503 with Retry-After`, async (rig) => {
      const broker = await rig.broker(silent());
      await rig.open({ id: "home", url: broker.url, subscriptions: kept }, "?wait=0");
      await broker.connection(1);
      const answer = await call(rig);
      assertProblem(answer, 503, "temporarily-not-connected");
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    });

    itHolds(`S35: ${what} while failed is 409`, async (rig) => {
      const broker = await rig.broker(refuses(0x86));
      await rig.open({ id: "home", url: broker.url, subscriptions: kept }, "?wait=0");
      await viewWhen(rig.app, "home", inState("failed"));
      const answer = await call(rig);
      assertProblem(answer, 409, "not-connected");
      assert.equal(answer.headers.get("retry-after"), null);
    });

    itHolds(`S35: ${what} on an unknown connection is 404`, async (rig) => {
      assertProblem(await call(rig), 404, "not-found");
    });
  }

  itHolds("S35: what is wrong is 422 whatever the state, before the broker has a part in it", async (rig) => {
    const broker = await rig.broker(refuses(0x86));
    await rig.open({ id: "home", url: broker.url }, "?wait=0");
    await viewWhen(rig.app, "home", inState("failed"));
    assertProblem(await publish(rig, "a/+", "x"), 422, "invalid-request");
    assertProblem(await subscribe(rig, "a/#/b"), 422, "invalid-request");
  });

  itHolds("S35: messages and subscriptions can be read while waiting and while failed", async (rig) => {
    const broker = await rig.broker(refuses(0x86));
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    for (const [id, request] of [
      ["failed", { url: broker.url }],
      ["waiting", { url, reconnect: { minDelayMs: 60_000 } }],
    ] as const) {
      await rig.open({ id, ...request, subscriptions: kept }, "?wait=0");
      await viewWhen(rig.app, id, inState(id));
      const read = await rig.call("GET", `/connections/${id}/messages`);
      assert.deepEqual([read.status, read.body.items], [200, []], read.text);
      const list = await rig.call("GET", `/connections/${id}/subscriptions`);
      assert.equal(list.status, 200, list.text);
      assert.equal(list.body.items[0].topicFilter, "kept/+");
    }
  });

  itHolds("S35: reading and removing what is not there is 404", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    for (const path of ["/connections/none/messages", "/connections/none/subscriptions"])
      assertProblem(await rig.call("GET", path), 404, "not-found");
    assertProblem(await rig.call("GET", subscriptionPath("none")), 404, "not-found");
    assertProblem(await rig.call("DELETE", subscriptionPath("none")), 404, "not-found");
    assertProblem(await rig.call("GET", "/connections/home/messages/none/payload"), 404, "not-found");
  });
});
