import assert from "node:assert/strict";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { adminToken } from "../support/access.ts";
import { accepts } from "../support/broker-scripts.ts";
import { frontRig } from "../support/front-rig.ts";
import {
  byConnection,
  ids,
  kept,
  openAll,
  reconnectAll,
  told,
  untilConnected,
} from "../support/front-scene.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";
import { until } from "../support/tunnel-rig.ts";

const inShard = (shard: number) => ids.filter((id) => shardOf(id, 3) === shard);

describe("GET /events at a front, where owners are lost", () => {
  it("goes on when a cell goes away and comes back, without loss and without repeating", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    const { cells, front } = rig;
    await using reader = await front.events("/events");
    await openAll(front, broker.url);
    await untilConnected(reader);
    for (const shard of [0, 1, 2, 1]) {
      cells.lose(shard);
      // What the others have comes meanwhile.
      await reconnectAll(front, inShard((shard + 1) % 3));
      await untilConnected(reader, inShard((shard + 1) % 3));
      cells.give(shard);
      await reconnectAll(front, inShard(shard));
      await untilConnected(reader, inShard(shard));
    }
    assert.deepEqual(byConnection(told(reader.seen)), await kept(front));
    assert.deepEqual(
      reader.seen.filter(({ type }) => type === "gap" || type === "shutdown"),
      [],
    );
    assert.equal(reader.seen.filter(({ type }) => type === "snapshot").length, 1);
    assert.deepEqual(
      [0, 1, 2].map((shard) => cells.openOf(shard)),
      [1, 1, 1],
    );
  });

  it("loses nothing when cells are lost while much comes", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    const { cells, front } = rig;
    await using reader = await front.events("/events");
    await openAll(front, broker.url);
    for (let round = 0; round < 12; round += 1) {
      // The cells themselves are there: it is the way to them that is cut off, in the middle of a piece or between two.
      const going = reconnectAll(front);
      cells.lose(round % 3);
      cells.give(round % 3);
      await going;
    }
    const wanted = await kept(front);
    while (told(reader.seen).length < wanted.length) await reader.next();
    assert.deepEqual(byConnection(told(reader.seen)), wanted);
  });

  it("tells a gap when a cell has begun anew, and goes on with all of them", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    const { cells, front } = rig;
    await using reader = await front.events("/events");
    await openAll(front, broker.url);
    await untilConnected(reader);
    const before = reader.seen.at(-1)?.id;
    cells.lose(1);
    cells.give(1, (await rig.another()).fetch);
    const gap = await reader.next("gap");
    assert.equal(gap.data.reason, "restarted");
    assert.equal(gap.data.requested, before);
    // The place behind the gap is known before that cell has anything to tell.
    const [other = ""] = inShard(2);
    await reconnectAll(front, [other]);
    await untilConnected(reader, [other]);
    const headers = { "last-event-id": reader.seen.at(-1)?.id ?? "" };
    await using again = await rig.fronts[1].events("/events", headers);
    assert.equal((await again.next()).type, "snapshot");
    const [id = ""] = inShard(1);
    assert.equal((await front.open({ id, url: broker.url })).status, 201);
    await untilConnected(reader, [id]);
    await untilConnected(again, [id]);
    await using behind = await rig.fronts[1].events("/events", { "last-event-id": before ?? "" });
    assert.equal((await behind.next()).type, "gap");
  });

  it("begins with all cells, or not at all", async () => {
    await using rig = await frontRig();
    const { cells, front } = rig;
    cells.lose(2);
    for (const path of ["/events", "/events?format=ndjson", "/events?format=json"]) {
      const answer = await front.call("GET", path);
      assertProblem(answer, 503, "no-owner");
      assert.equal(answer.headers.get("retry-after"), "2");
    }
    assert.deepEqual(
      [0, 1, 2].map((shard) => cells.openOf(shard)),
      [0, 0, 0],
    );
    cells.give(2);
    await using reader = await front.events("/events");
    assert.equal((await reader.next()).type, "snapshot");
  });

  it("lets go of the others when one is lost before its beginning has come", async () => {
    await using rig = await frontRig();
    const { cells, front } = rig;
    const headers = { "content-type": "text/event-stream; charset=utf-8", "connack-last-event-id": "e-0" };
    cells.give(1, () => new Response(new Blob([": connack\n\n"]).stream(), { headers }));
    const answer = await front.call("GET", "/events");
    assertProblem(answer, 503, "no-owner");
    assert.match(answer.body.detail, /while the stream was opened/);
    await until(() => cells.openOf(0) + cells.openOf(2) === 0, "the streams of the others are let go of");
    assert.equal(front.streams.size, 0);
  });

  it("ends when the caller's token is revoked, and says why", async () => {
    await using rig = await frontRig({ environment: { CONNACK_ADMIN_TOKEN: adminToken } });
    const { front, cells } = rig;
    const admin = { authorization: `Bearer ${adminToken}` };
    const request = { name: "reader", scopes: ["connections:read"] };
    const made = await front.call("POST", "/tokens", request, admin);
    assert.equal(made.status, 201, made.text);
    const own = { authorization: `Bearer ${made.body.token}` };
    await using reader = await front.events("/events", own);
    await reader.next("snapshot");
    await using others = await front.events("/events", admin);
    await others.next("snapshot");
    await front.call("DELETE", `/tokens/${made.body.id}`, undefined, admin);
    await reader.ended;
    assert.equal(reader.seen.at(-1)?.type, "unauthorized");
    assertProblem(await front.call("GET", "/events", undefined, own), 401, "unauthorized");
    assert.equal(others.seen.length, 1);
    assert.deepEqual(
      [0, 1, 2].map((shard) => cells.openOf(shard)),
      [1, 1, 1],
    );
  });

  it("ends with the same word when a cell that comes back does not let the caller in", async () => {
    await using rig = await frontRig();
    const { front, cells } = rig;
    await using reader = await front.events("/events");
    await reader.next("snapshot");
    cells.lose(1);
    cells.give(1, () => new Response("{}", { status: 401 }));
    assert.equal((await reader.next()).type, "unauthorized");
    await reader.ended;
    assert.deepEqual(
      [0, 1, 2].map((shard) => cells.openOf(shard)),
      [0, 0, 0],
    );
  });

  it("tells its readers when this node stops, and takes no new ones", async () => {
    await using rig = await frontRig();
    const { front, cells } = rig;
    await using reader = await front.events("/events");
    await reader.next("snapshot");
    front.stop();
    assert.equal((await reader.next()).type, "shutdown");
    await reader.ended;
    await until(() => cells.openOf(0) + cells.openOf(1) + cells.openOf(2) === 0, "the cells' streams end");
    assertProblem(await front.call("GET", "/events"), 503, "shutting-down");
    assert.equal((await front.call("GET", "/connections")).status, 200);
    assert.equal(cells.calls.filter(({ path }) => path.startsWith("/events")).length, 3);
    await using elsewhere = await rig.fronts[1].events("/events");
    await elsewhere.next("snapshot");
  });

  it("lets go of the cells when its reader leaves", async () => {
    await using rig = await frontRig();
    const { front, cells } = rig;
    const reader = await front.events("/events");
    await reader.next("snapshot");
    cells.lose(2);
    reader.close();
    await reader.ended;
    await until(() => front.streams.size === 0, "the stream ends");
    await until(() => cells.openOf(0) + cells.openOf(1) === 0, "the cells' streams end");
    cells.give(2);
    assert.equal(cells.openOf(2), 0);
  });
});
