import assert from "node:assert/strict";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { adminToken } from "../support/access.ts";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { frontRig, sayingOf } from "../support/front-rig.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const large = JSON.stringify({ id: "a", nothing: "x".repeat(40_000) });
const inChunks = (text: string) => new Blob([text]).stream();

describe("POST /connections at a front", () => {
  it("opens with the id of the body at the shard of that id, whatever is best placed", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      const opened = await rig.front.open({ id, url: broker.url });
      assert.equal(opened.status, 201, opened.text);
      assert.equal(opened.headers.get("location"), `/connections/${id}`);
      assert.equal(rig.cells.calls.at(-1)?.shard, shardOf(id, 3));
      assert.equal((await rig.fronts[1].call("GET", `/connections/${id}`)).body.id, id);
    }
    assertProblem(await rig.fronts[1].open({ id: "a", url: broker.url }), 409, "connection-exists");
  });

  it("opens without an id where it is best placed, with one that belongs there", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    for (const best of [2, 1, 1, 2]) {
      rig.cells.best = [best];
      const opened = await rig.front.open({ url: broker.url });
      assert.equal(opened.status, 201, opened.text);
      assert.equal(rig.cells.calls.at(-1)?.shard, best);
      assert.equal(shardOf(opened.body.id, 3), best);
      assert.equal((await rig.fronts[1].call("GET", opened.body.links.self)).status, 200);
    }
  });

  it("meets its own record when it comes again with its Idempotency-Key, at another front", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    const shards = new Set<number>();
    for (let n = 0; n < 12; n += 1) {
      const key = { "idempotency-key": `key-${n}` };
      rig.cells.best = [n % 3];
      const first = await rig.front.call("POST", "/connections", { url: broker.url }, key);
      rig.cells.best = [(n + 1) % 3];
      const again = await rig.fronts[1].call("POST", "/connections", { url: broker.url }, key);
      assert.equal(again.status, 201, again.text);
      assert.equal(again.headers.get("idempotent-replayed"), "true");
      assert.deepEqual(again.body, first.body);
      shards.add(shardOf(first.body.id, 3));
      const other = await rig.fronts[1].call("POST", "/connections", { url: `${broker.url}/` }, key);
      assertProblem(other, 422, "idempotency-key-reused");
    }
    assert.equal(broker.peers.length, 12);
    assert.equal(shards.size, 2);
  });

  const json = { "content-type": "application/json" };
  const refused: Record<
    string,
    [body: string | undefined, headers?: Record<string, string>, query?: string]
  > = {
    "no JSON": ['{"id":'],
    "an empty body": ["", json],
    "no body, and no type": [undefined],
    "no object": ["[1]"],
    null: ["null"],
    "an id that is none": ['{"id":"a b","url":"mqtt://broker.example"}'],
    "an id that is no text": ['{"id":7,"url":"mqtt://broker.example"}'],
    "an id that is null": ['{"id":null,"url":"mqtt://broker.example"}'],
    "two ids": ['{"id":"a","id":"b","url":"mqtt://broker.example"}'],
    "an unknown field": ['{"id":"a","nothing":1}'],
    "no broker": ['{"id":"a"}'],
    "no broker and no id": ["{}"],
    "too deep": [`{"id":"a","x":${"[".repeat(100)}${"]".repeat(100)}}`],
    "another media type": ['{"id":"a"}', { "content-type": "text/plain" }],
    "a form": ["id=a", { "content-type": "application/x-www-form-urlencoded" }],
    "too large": [large],
    "a query that is not UTF-8": ['{"id":"a","url":"mqtt://broker.example"}', json, "?wait=%ff"],
    "a query that is wrong": ['{"id":"a","url":"mqtt://broker.example"}', json, "?wait=long"],
    "a key that is none": ['{"id":"a","url":"mqtt://broker.example"}', { ...json, "idempotency-key": "a b" }],
  };
  it("refuses what one app refuses, as that does", async () => {
    const environment = { CONNACK_MAX_BODY_BYTES: "20000" };
    await using app = await startApp(environment);
    await using rig = await frontRig({ environment });
    for (const [what, [body, headers = {}, query = ""]] of Object.entries(refused)) {
      const ask = (at: Pick<typeof app, "call">) => at.call("POST", `/connections${query}`, body, headers);
      const [alone, joint] = [await ask(app), await ask(rig.front)];
      assert.ok(alone.status >= 400, what);
      assert.deepEqual(sayingOf(joint), sayingOf(alone), what);
    }
  });

  it("refuses bytes that are no text, and a body in chunks that is too large, as one app does", async () => {
    const environment = { CONNACK_MAX_BODY_BYTES: "20000" };
    await using app = await startApp(environment);
    await using rig = await frontRig({ environment });
    const bodies: (() => Uint8Array | ReadableStream)[] = [
      () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      () => inChunks(large),
    ];
    for (const body of bodies) {
      const ask = async (url: string) => {
        const init = { method: "POST", headers: json, body: body(), duplex: "half" };
        const response = await fetch(`${url}/connections`, init as RequestInit);
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      const [alone, joint] = [await ask(app.url), await ask(rig.front.url)];
      for (const each of [alone, joint]) delete each.body["instance"];
      assert.deepEqual(joint, alone);
    }
  });

  it("takes a body in chunks, and one with a byte order mark", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    const text = JSON.stringify({ id: "chunks", url: broker.url });
    const init = { method: "POST", headers: json, body: inChunks(text), duplex: "half" };
    assert.equal((await fetch(`${rig.front.url}/connections`, init as RequestInit)).status, 201);
    const marked = await rig.front.call("POST", "/connections", `\uFEFF${text.replace("chunks", "mark")}`);
    assert.equal(marked.status, 201, marked.text);
    assert.equal(rig.cells.calls.at(-1)?.shard, shardOf("mark", 3));
  });

  it("reads no large body of somebody who is not let in", async () => {
    await using rig = await frontRig({ environment: { CONNACK_ADMIN_TOKEN: adminToken } });
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(1_024));
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { ...json, host: "localhost" };
    const init = { method: "POST", headers, body, duplex: "half" };
    const request = new Request(`${rig.front.url}/connections`, init as RequestInit);
    const answer = await rig.front.front(request);
    assert.equal(answer.status, 401);
    assert.equal(pulled, 0);
    const small = await rig.front.call("POST", "/connections", { id: "a" });
    assertProblem(small, 401, "unauthorized");
    const allowed = { ...json, authorization: `Bearer ${adminToken}` };
    const whole = await rig.front.call("POST", "/connections", large, allowed);
    assertProblem(whole, 422, "invalid-request");
  });

  it("has a code of its own where nobody owns the shard", async () => {
    await using rig = await frontRig();
    rig.cells.lose(shardOf("a", 3));
    const answer = await rig.front.open({ id: "a", url: "mqtt://127.0.0.1:1" });
    assertProblem(answer, 503, "no-owner");
    assert.equal(answer.headers.get("retry-after"), "2");
  });
});
