import assert from "node:assert/strict";
import type { Moved } from "../../src/app-overrides.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { inState } from "../support/durable-app.ts";
import { JetstreamPlace } from "../support/jetstream-place.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { after, before, describe, it } from "../support/test.ts";

const session = { cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };
const ofMove = (cause: string): Moved => ({ from: "a", to: "b", cause });

/** One network connection for each client id: whoever comes later takes it over (MQTT 5 §3.1.4). */
async function takingOver(): Promise<
  ScriptedBroker & { holder(clientId: string): ScriptedPeer | undefined }
> {
  const holders = new Map<string, ScriptedPeer>();
  const broker = await startScriptedBroker(async (peer) => {
    await accepts()(peer);
    const [connect] = peer.received;
    const clientId = connect?.cmd === "connect" ? connect.clientId : "";
    const before = holders.get(clientId);
    holders.set(clientId, peer);
    before?.send({ cmd: "disconnect", reasonCode: 0x8e });
    before?.end();
  });
  return Object.assign(broker, { holder: (clientId: string) => holders.get(clientId) });
}

interface Scene extends AsyncDisposable {
  readonly broker: Awaited<ReturnType<typeof takingOver>>;
  /** The owner before. */
  readonly a: TestApp;
  /** Has what `a` had from then on, as a shard's keeper makes it; `a` ends when it finds out, or has ended already. */
  takeOver(cause: string): Promise<TestApp>;
}

describe("connections that another node takes over", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  /** `kept` keeps its messages, `plain` does not; `failed` has given up; `gone` was opened by POST, and is not durable. */
  async function scene(): Promise<Scene> {
    await using opened = new AsyncDisposableStack();
    count += 1;
    const place = opened.use(await JetstreamPlace.make(nats, `moved${count}`));
    const broker = opened.use(await takingOver());
    let end = () => {};
    const store = await place.store("a", { onLost: () => end() });
    const a = opened.use(await startApp({}, { store }));
    // As a term ends whose shard is another node's.
    end = () => void a.app.close();
    const put = async (id: string, request: object, query = "") => {
      const answer = await a.call("PUT", `/connections/${id}${query}`, { clientId: id, ...request });
      assert.ok([201, 202].includes(answer.status), answer.text);
    };
    await put("kept", { url: broker.url, ...session, log: { durable: true }, labels: { site: "north" } });
    await put("plain", { url: broker.url });
    await put("failed", { url: "mqtt://127.0.0.1:1", reconnect: { enabled: false } }, "?wait=0");
    await inState(a, "failed", "failed");
    assert.equal((await a.open({ id: "gone", url: broker.url })).status, 201);
    for (const id of ["kept", "plain"])
      broker.holder(id)?.send(message("t", `to ${id}`, { qos: 1, messageId: 1 }));
    for (const id of ["kept", "plain"]) await a.call("GET", `/connections/${id}/messages?wait=10`);
    const all = opened.move();
    return {
      ...{ broker, a },
      takeOver: async (cause) =>
        all.use(await startApp({}, { store: await place.store("b"), moved: ofMove(cause) })),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }

  /** The newest id of a log at this moment. */
  const newest = async (app: TestApp, path: string): Promise<string> =>
    (await app.call("GET", `${path}?format=json&after=earliest&limit=1000`)).body.items.at(-1).id;

  /** What came after an id, with nothing missing. */
  async function since(app: TestApp, path: string, id: string) {
    const { body } = await app.call("GET", `${path}?format=json&after=${id}&limit=1000`);
    assert.equal(body.gap, undefined);
    return body.items as { id: string; type: string; connection: string; [field: string]: unknown }[];
  }

  const types = (events: readonly { type: string }[]) => events.map(({ type }) => type);
  const number = (id: string) => Number(id.split("-").at(-1));

  it("of a node that handed over: `moved` is first, then they are dialled, and ids go on", async () => {
    await using all = await scene();
    const { a } = all;
    const last = await newest(a, "/connections/kept/events");
    const lastOfAll = await newest(a, "/events");
    const heard = await newest(a, "/connections/kept/messages");
    const before = (await a.call("GET", "/connections/kept")).body;
    await a.stop();
    const b = await all.takeOver("handover");
    const view = await inState(b, "kept", "connected");

    const events = await since(b, "/connections/kept/events", last);
    assert.deepEqual(types(events), ["closing", "closed", "moved", "connecting", "connected"]);
    assert.equal(events[1]?.["cause"], "shutdown");
    const moved = events[2];
    assert.ok(moved);
    const { from, to, cause, state } = moved;
    assert.deepEqual({ from, to, cause }, ofMove("handover"));
    assert.equal(state, "connecting");
    assert.equal(events[3]?.["cause"], "restart");
    const ids = [last, ...events.map(({ id }) => id)].map(number);
    assert.deepEqual(
      ids,
      ids.toSorted((x, y) => x - y),
    );
    assert.equal(new Set(ids).size, ids.length);
    // All of them are in the log of all, before any of them is dialled.
    const after = (await since(b, "/events", lastOfAll)).filter(
      ({ type }) => !["closing", "closed"].includes(type),
    );
    assert.deepEqual(
      after
        .slice(0, 3)
        .map(({ type, connection }) => `${type} ${connection}`)
        .toSorted(),
      ["moved failed", "moved kept", "moved plain"],
    );

    assert.equal(view.createdAt, before.createdAt);
    assert.equal(view.clientId, "kept");
    assert.deepEqual(view.request.labels, { site: "north" });
    assert.ok(view.version > before.version);
    assert.equal(view.lastError, null);
    assert.equal(view.flags.badConnection, false);
    // Messages go on where they are kept; elsewhere that some are missing is said.
    all.broker.holder("kept")?.send(message("t", "later", { qos: 1, messageId: 2 }));
    const kept = (await b.call("GET", `/connections/kept/messages?wait=10&after=${heard}`)).body;
    assert.deepEqual([kept.gap, kept.items[0].payload], [undefined, "later"]);
    const first = (await b.call("GET", "/connections/kept/messages")).body;
    assert.equal(first.items[0].payload, "to kept");
  });

  it("come back as after a restart: what was durable, and what had given up stays so", async () => {
    await using all = await scene();
    const plain = await newest(all.a, "/connections/plain/messages");
    await all.a.stop();
    const b = await all.takeOver("handover");
    await inState(b, "plain", "connected");
    const list = (await b.call("GET", "/connections")).body.items as { id: string }[];
    assert.deepEqual(list.map(({ id }) => id).toSorted(), ["failed", "kept", "plain"]);
    assert.equal((await b.call("GET", "/connections/gone")).status, 404);
    const failed = (await b.call("GET", "/connections/failed")).body;
    assert.deepEqual([failed.state, failed.flags.badConnection], ["failed", true]);
    const events = await b.call("GET", "/connections/failed/events?format=json&after=earliest&limit=1000");
    assert.equal(events.body.items.at(-1).type, "moved");
    assert.equal(events.body.items.at(-1).state, "failed");
    const { body } = await b.call("GET", `/connections/plain/messages?after=${plain}`);
    assert.deepEqual([body.gap.reason, body.items], ["restarted", []]);
  });

  it("of a node that is alive and does not know: its end is no failure, and streams resume over the move", async () => {
    await using all = await scene();
    const { a, broker } = all;
    await using old = await a.events("/connections/kept/events");
    await old.next("snapshot");
    const last = await newest(a, "/connections/kept/events");
    const peer = broker.holder("kept");
    const b = await all.takeOver("node-lost");
    await inState(b, "kept", "connected");
    // Its own DISCONNECT, or 0x8E, is the first that it would have to tell of; and that it may not any more.
    await old.ended;
    await peer?.closed;
    await a.stop();
    assert.deepEqual(
      a.logs.filter((line) => /"(kept|plain)"/.test(line) && /taken over|disconnected|failed/.test(line)),
      [],
    );
    assert.deepEqual(types(old.seen.filter(({ type }) => type !== "shutdown")), ["snapshot"]);

    await using stream = await b.events("/connections/kept/events", { "last-event-id": last });
    const snapshot = await stream.next();
    assert.deepEqual([snapshot.type, snapshot.data.view.state], ["snapshot", "connected"]);
    const moved = await stream.next();
    assert.equal(moved.type, "moved");
    const { from, to, cause } = moved.data;
    assert.deepEqual({ from, to, cause }, ofMove("node-lost"));
    assert.deepEqual(types([await stream.next(), await stream.next()]), ["connecting", "connected"]);
    assert.ok(number(moved.id ?? "") > number(last));
    // The broker has one network connection of that client id, and it is the new one.
    assert.notEqual(broker.holder("kept"), peer);
    const view = (await b.call("GET", "/connections/kept")).body;
    assert.deepEqual([view.state, view.lastError, view.attempts.total], ["connected", null, 1]);
  });
});
