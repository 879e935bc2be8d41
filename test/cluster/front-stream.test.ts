import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
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

describe("GET /events as a stream at a front", () => {
  it("tells what happens in all cells, each connection's in its order, with ids of all together", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await using reader = await rig.front.events("/events");
    assert.match(reader.headers.get("content-type") ?? "", /^text\/event-stream/);
    const snapshot = await reader.next();
    assert.equal(snapshot.type, "snapshot");
    assert.equal(snapshot.data.total, 0);
    assert.equal(snapshot.id, reader.headers.get("connack-last-event-id"));
    await openAll(rig.fronts[1], broker.url);
    await untilConnected(reader);
    assert.deepEqual(byConnection(told(reader.seen)), await kept(rig.front));
    for (const { id, data } of reader.seen.slice(1)) assert.equal(data.id, id);
    const all = reader.seen.map(({ id }) => id);
    assert.equal(new Set(all).size, all.length);
    await using later = await rig.fronts[1].events("/events");
    assert.equal((await later.next("snapshot")).data.states.connected, ids.length);
  });

  it("resumes at another front behind any event, without loss and without repeating", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await using reader = await rig.front.events("/events");
    await openAll(rig.front, broker.url);
    await untilConnected(reader);
    await reconnectAll(rig.front);
    await untilConnected(reader);
    const events = reader.seen.slice(1);
    const whole = byConnection(told(events));
    for (const place of [0, 1, 5, Math.floor(events.length / 2), events.length - 1]) {
      const id = events[place]?.id ?? "";
      const headers = { "last-event-id": id };
      await using again = await rig.fronts[1].events("/events", headers);
      const first = await again.next();
      assert.equal(first.type, "snapshot");
      // A resumed reader keeps its last id until it gets the next event.
      assert.equal(first.data.id, undefined);
      while (told(again.seen).length < events.length - place - 1) await again.next();
      assert.deepEqual(byConnection([...told(events.slice(0, place + 1)), ...told(again.seen)]), whole);
    }
    await using byQuery = await rig.fronts[1].events(`/events?lastEventId=${events.at(-1)?.id}`);
    await reconnectAll(rig.front, ["c0"]);
    await untilConnected(byQuery, ["c0"]);
    assert.ok(byQuery.seen.every(({ type, data }) => type === "snapshot" || data.connection === "c0"));
    await using earliest = await rig.fronts[1].events("/events?lastEventId=earliest");
    while (told(earliest.seen).length < events.length) await earliest.next();
    assert.ok(!earliest.seen.some(({ type }) => type === "gap"));
  });

  it("comes as lines, with the same ids", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await openAll(rig.front, broker.url);
    const response = await fetch(`${rig.front.url}/events?lastEventId=earliest`, {
      headers: { accept: "application/x-ndjson" },
    });
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    const wanted = await kept(rig.front);
    let text = "";
    const lines = () =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const reader = (response.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
    while (lines().length < wanted.length + 2) text += (await reader.read()).value;
    const [open, snapshot, ...events] = lines();
    assert.deepEqual([open.type, snapshot.type, snapshot.total], ["open", "snapshot", ids.length]);
    assert.deepEqual(
      byConnection(told(events.map((data) => ({ id: data.id, type: data.type, data })))),
      wanted,
    );
    await reader.cancel();
    await using again = await rig.fronts[1].events("/events", { "last-event-id": events.at(-2).id });
    await again.next("snapshot");
    assert.equal((await again.next()).data.eventId, events.at(-1).eventId);
  });

  it("tells a gap where it cannot begin behind an id, as one app does, and all that there is", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await using app = await startApp();
    await openAll(rig.front, broker.url);
    await app.open({ id: "c0", url: broker.url });
    const wanted = await kept(rig.front);
    for (const id of ["nothing", "000000000000-7", "é", "x".repeat(9_000)]) {
      const headers = { "last-event-id": encodeURIComponent(id) };
      await using joint = await rig.front.events("/events", headers);
      await using alone = await app.events("/events", headers);
      const [own, other] = [await joint.next(), await alone.next()];
      assert.deepEqual([own.type, other.type], ["gap", "gap"]);
      assert.equal(own.data.requested.slice(0, 128), other.data.requested);
      assert.ok(own.data.requested.length <= 4_096);
      assert.equal(typeof own.data.oldest, "string");
      assert.equal(own.id, undefined);
      assert.equal((await joint.next()).type, "snapshot");
      while (told(joint.seen).length < wanted.length) await joint.next();
      assert.deepEqual(byConnection(told(joint.seen)), wanted);
    }
    const query = await rig.front.call("GET", `/events?lastEventId=${"x".repeat(5_000)}`);
    assertProblem(query, 422, "invalid-request");
    assert.equal(query.body.errors[0].parameter, "lastEventId");
    const two = await rig.front.call("GET", "/events?lastEventId=a&lastEventId=b");
    assertProblem(two, 422, "invalid-request");
  });

  it("takes the types and connections that are asked for, and says by heartbeats how far it has looked", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig({ environment: { CONNACK_HEARTBEAT_MS: "1000" } });
    await openAll(rig.front, broker.url);
    const response = await fetch(`${rig.front.url}/events?types=closed&connection=c0,c1`);
    const reader = (response.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) text += (await reader.read()).value;
      return pattern.exec(text)?.[1] ?? "";
    };
    await until(/event: snapshot\n.*\n\n/);
    text = "";
    await reconnectAll(rig.front);
    // Nothing that is wanted: a reader that comes again does not look through it once more.
    const looked = await until(/: heartbeat\nid: ([\w-]+)\n\n/);
    text = "";
    await rig.front.call("DELETE", "/connections/c0");
    await rig.front.call("DELETE", "/connections/c2");
    await until(/event: closed\n.*"connection":"(c0)".*\n\n/);
    assert.ok(!text.includes('"c2"'));
    await reader.cancel();
    await using again = await rig.fronts[1].events("/events", { "last-event-id": looked });
    await again.next("snapshot");
    while (!told(again.seen).some((line) => line.startsWith("c2"))) await again.next();
    assert.ok(again.seen.every(({ type }) => type !== "connected" && type !== "gap"));
  });

  it("HEAD has the headers of GET, and opens no stream", async () => {
    await using rig = await frontRig();
    const head = await rig.front.call("HEAD", "/events");
    assert.equal(head.status, 200);
    await using events = await rig.front.events("/events");
    for (const name of ["content-type", "cache-control", "connack-last-event-id", "x-accel-buffering"])
      assert.equal(head.headers.get(name), events.headers.get(name), name);
    assert.equal(rig.front.streams.size, 1);
  });
});
