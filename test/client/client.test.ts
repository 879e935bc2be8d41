import assert from "node:assert/strict";
import {
  ConnackProblem,
  ConnackUnreachable,
  createClient,
  payloadBytes,
  payloadJson,
} from "../../src/client/client.ts";
import { adminToken } from "../support/access.ts";
import { startApp } from "../support/app.ts";
import { accepts, acknowledges, acceptsThen, refuses } from "../support/broker-scripts.ts";
import { freePort } from "../support/free-port.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const isProblem = (status: number, code: string) => (error: unknown) =>
  error instanceof ConnackProblem && error.status === status && error.code === code;

describe("createClient()", () => {
  it("opens, lists page by page, waits for a change, reconnects, pings and ends connections", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    const client = createClient({ url: `${app.url}/` });
    const opened = await client.connections.create({ id: "a", url: broker.url, labels: { site: "x" } });
    assert.deepEqual([opened.id, opened.state, opened.flags.connected], ["a", "connected", true]);
    for (const id of ["b", "c/d"]) {
      const put = client.connections.put(id, { url: broker.url, durable: false });
      if (id === "b") assert.equal((await put).state, "connected");
      else await assert.rejects(put, isProblem(422, "invalid-request"));
    }
    const ids = async (options: object) =>
      (await gathered(client.connections.list(options))).map(({ id }) => id);
    assert.deepEqual(await ids({ limit: 1 }), ["a", "b"]);
    assert.deepEqual(await ids({ labels: { site: "x" } }), ["a"]);
    const change = client.connections.get("a", { wait: 20, since: opened.version });
    const again = await client.connections.reconnect("a");
    assert.ok((await change).version > opened.version);
    assert.equal(again.attempts.total, 2);
    assert.ok((await client.connections.ping("a")).rttMs >= 0);
    assert.equal((await client.connections.delete("a", { drainMs: 100 })).drained, true);
    await assert.rejects(client.connections.get("a"), isProblem(404, "not-found"));
    assert.deepEqual(await client.health(), { ok: true });
    assert.equal((await client.ready()).ready, true);
    assert.equal((await client.probe({ url: broker.url })).ok, true);
  });

  it("publishes text, bytes and JSON, byte for byte, and tells what the broker said", async () => {
    await using broker = await startScriptedBroker(acceptsThen((peer) => acknowledges(peer)));
    await using app = await startApp();
    const client = createClient({ url: app.url });
    await client.connections.create({ id: "home", url: broker.url });
    const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);
    const payloads = ["ä", bytes, { on: true }, null, undefined];
    for (const payload of payloads) {
      const answer = await client.publish("home", { topic: "t", payload, qos: 1 });
      assert.equal("reasonCode" in answer && answer.reasonCode, 0);
    }
    const results = await client.publishAll("home", [
      { topic: "t", payload: "1" },
      { topic: "t", payload: "2", qos: 1, properties: { topicAlias: 9 } },
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      [202, 422],
    );
    // Behind the message of QoS 0, which nobody acknowledges.
    await client.connections.ping("home");
    const peer = await broker.connection(1);
    const sent = peer.received.flatMap((packet) =>
      packet.cmd === "publish" ? [Buffer.from(packet.payload)] : [],
    );
    const expected = ["ä", bytes, '{"on":true}', "null", "", "1"].map((each) => Buffer.from(each as string));
    assert.deepEqual(sent, expected);
    await assert.rejects(client.publish("home", { topic: "a/+" }), isProblem(422, "invalid-request"));
    await assert.rejects(
      client.publish("home", { topic: "t" }, { queue: 60 }),
      (error: ConnackProblem) => error.errors[0]?.parameter === "queue",
    );
  });

  it("subscribes, reads messages page by page, asks, reads what is retained, and unsubscribes", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    const client = createClient({ url: app.url });
    await client.connections.create({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    assert.equal(
      (await client.subscriptions.subscribe("home", { topicFilter: "t/#", qos: 1 })).grantedQos,
      1,
    );
    assert.deepEqual(
      (await client.subscriptions.list("home")).map(({ topicFilter }) => topicFilter),
      ["t/#"],
    );
    for (const text of ["1", "2", '{"n":3}']) peer.send(message("t/x", text));
    peer.send({
      cmd: "publish",
      topic: "t/b",
      payload: Buffer.from([255, 0]),
      qos: 0,
      dup: false,
      retain: false,
    });
    await client.connections.ping("home");
    const kept = await gathered(client.messages("home").kept({ limit: 2 }));
    assert.deepEqual(
      kept.map((each) => each.type === "message" && Buffer.from(payloadBytes(each))),
      ["1", "2", '{"n":3}', "\xff\0"].map((text) => Buffer.from(text, "latin1")),
    );
    const page = await client.messages("home").page({ topic: "t/x" });
    assert.deepEqual(page.items[2] && payloadJson(page.items[2]), { n: 3 });
    const asked = client.request("home", { topic: "ask", payload: "?" });
    const request = await peer.next("publish");
    peer.send({ cmd: "puback", messageId: request.messageId ?? 0, reasonCode: 0 });
    peer.send({
      ...message(request.properties?.responseTopic ?? "", "42"),
      properties: { correlationData: request.properties?.correlationData ?? Buffer.alloc(0) },
    });
    assert.equal((await asked).message.payload, "42");
    assert.equal(await client.retained("home", "r", { wait: 0.1 }), null);
    await client.subscriptions.unsubscribe("home", "t/#");
    assert.deepEqual(await client.subscriptions.list("home"), []);
  });

  it("makes, changes, lists and deletes webhooks", async () => {
    await using app = await startApp({ CONNACK_EGRESS_ALLOW: "private" });
    const client = createClient({ url: app.url });
    const made = await client.webhooks.create({ url: "http://127.0.0.1:9/hook", topics: ["#"] });
    assert.match(made.secret ?? "", /^whsec_/);
    assert.equal((await client.webhooks.patch(made.id, { enabled: false })).state, "disabled");
    assert.deepEqual(
      (await gathered(client.webhooks.list())).map(({ id }) => id),
      [made.id],
    );
    await client.webhooks.delete(made.id);
    await assert.rejects(client.webhooks.get(made.id), isProblem(404, "not-found"));
  });

  it("throws what the server says with all it says, and something else where nobody answers", async () => {
    await using broker = await startScriptedBroker(refuses(0x87, { reasonString: "not you" }));
    await using app = await startApp({
      CONNACK_ADMIN_TOKEN: adminToken,
      CONNACK_EGRESS_ALLOW: "private,loopback",
    });
    const client = createClient({ url: app.url, token: adminToken });
    await assert.rejects(client.connections.create({ url: broker.url }), (error) => {
      assert.ok(error instanceof ConnackProblem);
      assert.deepEqual(
        [error.status, error.code, error.stage, error.retryable],
        [502, "broker-refused", "connack", false],
      );
      assert.deepEqual([error.mqtt?.reasonCode, error.mqtt?.reasonString], [0x87, "not you"]);
      assert.ok(error.hint !== undefined && error.message !== "");
      return true;
    });
    await assert.rejects(gathered(createClient({ url: app.url }).events()), isProblem(401, "unauthorized"));
    await assert.rejects(gathered(client.messages("none").stream()), isProblem(404, "not-found"));
    const nobody = createClient({ url: `http://127.0.0.1:${await freePort()}` });
    await assert.rejects(nobody.health(), ConnackUnreachable);
    await assert.rejects(client.health({ signal: AbortSignal.abort(new TypeError("mine")) }), {
      message: "mine",
    });
  });
});
