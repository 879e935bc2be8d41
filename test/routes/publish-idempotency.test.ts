import assert from "node:assert/strict";
import { accepts, inTurn, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publishJson } from "../support/message-calls.ts";
import { acknowledge, message, opens, publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";
import { inState, viewWhen } from "../support/view.ts";

const key = { "idempotency-key": "k1" };
const hello = Buffer.from([0, 255, 10]);

describe("Idempotency-Key on publish", () => {
  itHolds("raw and JSON: the first answer again, and one message", async (rig) => {
    const peer = await openHome(rig);
    const calls = [
      () => post(rig, "?topic=a&qos=1", hello, key),
      () =>
        rig.call("POST", "/connections/home/publish", { topic: "a", qos: 1 }, { "idempotency-key": "k2" }),
      () =>
        rig.call("POST", "/connections/home/publish", [{ topic: "a", qos: 1 }], { "idempotency-key": "k3" }),
    ];
    for (const call of calls) {
      const [first, second] = [await call(), await call()];
      assert.ok(first.status === 200 || first.status === 207, first.text);
      assert.equal(second.status, first.status);
      assert.equal(second.text, first.text);
      assert.equal(second.headers.get("content-type"), "application/json");
      assert.equal(second.headers.get("idempotent-replayed"), "true");
    }
    assert.equal(publishesAt(peer).length, calls.length);
  });

  itHolds("other bytes, options or media type are another request: 422", async (rig) => {
    const peer = await openHome(rig);
    assert.equal((await post(rig, "?topic=a", hello, key)).status, 202);
    for (const [query, body, headers] of [
      ["?topic=a", Buffer.from([0, 254, 10]), {}],
      ["?topic=b", hello, {}],
      ["?topic=a", hello, { "Mqtt-Retain": "true" }],
      ["?topic=a", hello, { "content-type": "image/png" }],
    ] as const)
      assertProblem(await post(rig, query, body, { ...key, ...headers }), 422, "idempotency-key-reused");
    // At QoS 1, so that the broker has seen by now all that was sent.
    await post(rig, "?topic=last&qos=1", hello);
    assert.equal(publishesAt(peer).length, 2);
  });

  itHolds(
    "a caller who left has sent the message, and gets its answer when the call comes again",
    async (rig) => {
      const broker = await rig.broker(opens({}));
      await rig.open({ id: "home", url: broker.url });
      const hangUp = new AbortController();
      const body = { topic: "a", qos: 1 };
      const path = "/connections/home/publish";
      const first = rig.app.call("POST", path, body, key, hangUp.signal).catch(() => "hung up");
      const peer = await broker.connection(1);
      const { messageId = 0 } = await peer.next("publish");
      hangUp.abort();
      assert.equal(await first, "hung up");
      assertProblem(await rig.call("POST", path, body, key), 409, "idempotency-in-progress");
      acknowledge(peer, "puback", messageId);
      let again = await rig.call("POST", path, body, key);
      while (again.status === 409) again = await rig.call("POST", path, body, key);
      assert.equal(again.status, 200, again.text);
      assert.equal(again.headers.get("idempotent-replayed"), "true");
      assert.equal(publishesAt(peer).length, 1);
    },
  );

  itHolds("not connected for now leaves the key free", async (rig) => {
    const broker = await rig.broker(inTurn(refuses(0x88), accepts()));
    const reconnect = { minDelayMs: 60_000 };
    await rig.open({ id: "home", url: broker.url, reconnect }, "?wait=0");
    await viewWhen(rig.app, "home", inState("waiting"));
    const call = () => post(rig, "?topic=a", hello, key);
    assertProblem(await call(), 503, "temporarily-not-connected");
    assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
    assert.equal((await call()).status, 202);
  });

  itHolds("a timeout leaves the key free only where nothing was sent", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
    await rig.open({ id: "home", url: broker.url });
    const call = (id: string) =>
      rig.call(
        "POST",
        "/connections/home/publish?wait=0.1",
        { topic: id, qos: 1 },
        { "idempotency-key": id },
      );
    const sent = await call("sent");
    assertProblem(sent, 504, "acknowledgement-timeout");
    assert.equal(sent.body.duplicatePossible, true);
    assert.equal((await call("sent")).headers.get("idempotent-replayed"), "true");
    for (let i = 0; i < 2; i += 1) {
      const unsent = await call("unsent");
      assertProblem(unsent, 504, "acknowledgement-timeout");
      assert.equal(unsent.body.duplicatePossible, false);
      assert.equal(unsent.headers.get("idempotent-replayed"), null);
    }
  });

  itHolds("on lines: 422", async (rig) => {
    await openHome(rig);
    const answer = await post(rig, "", Buffer.from("{}\n"), {
      ...key,
      "content-type": "application/x-ndjson",
    });
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].parameter, "Idempotency-Key");
  });

  itHolds("a request that is not valid leaves the key free", async (rig) => {
    await openHome(rig);
    assertProblem(await publishJson(rig, { topic: "#" }), 422, "invalid-request");
    assertProblem(await post(rig, "?topic=%23", hello, key), 422, "invalid-request");
    assert.equal((await post(rig, "?topic=a", hello, key)).status, 202);
  });
});

describe("Idempotency-Key on a request with ?raw", () => {
  itHolds("the same bytes again, and the headers that keep a browser from running them", async (rig) => {
    const page = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
    const broker = await rig.broker(
      opens({}, (peer) =>
        peer.answer("publish", ({ messageId = 0, properties = {} }) => {
          const { responseTopic = "", correlationData = Buffer.alloc(0) } = properties;
          acknowledge(peer, "puback", messageId);
          peer.send(
            message(responseTopic, page, { properties: { correlationData, contentType: "text/html" } }),
          );
        }),
      ),
    );
    assert.equal((await rig.open({ id: "home", url: broker.url })).status, 201);
    const ask = async () => {
      const response = await fetch(`${rig.app.url}/connections/home/request?raw`, {
        method: "POST",
        headers: { "content-type": "application/json", ...key },
        body: JSON.stringify({ topic: "q" }),
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      const {
        "x-request-id": _id,
        "idempotent-replayed": _replayed,
        date: _date,
        ...headers
      } = Object.fromEntries(response.headers);
      return { status: response.status, bytes, headers };
    };
    const first = await ask();
    assert.deepEqual(first.bytes, page);
    assert.equal(first.headers["content-disposition"], "attachment");
    assert.deepEqual(await ask(), first);
  });
});
