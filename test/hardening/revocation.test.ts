import assert from "node:assert/strict";
import { startApp, type Answer, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { DuplexCall } from "../support/duplex-call.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import { callerOf, withTokens, type Caller } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";
import { silence, startEndpoint } from "../support/webhook-endpoint.ts";

/** How soon what goes on with a token is over when the token is (the contract gives it 5 s). */
const soonMs = 2_000;

/** Begins a call of which `begun` resolves when it waits. */
type Waiting = (
  caller: Caller,
  broker: ScriptedBroker,
  silentBroker: ScriptedBroker,
) => { readonly call: Promise<Answer>; readonly begun: Promise<unknown> };

const packet = async (broker: ScriptedBroker, name: "publish" | "subscribe") => {
  const peer = await broker.connection(1);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  peer.answer(name, resolve);
  return promise;
};

const waits: Readonly<Record<string, Waiting>> = {
  "POST /connections": (caller, _, silentBroker) => ({
    call: caller.call("POST", "/connections?wait=30", { id: "new", url: silentBroker.url }),
    begun: silentBroker.connection(1),
  }),
  "POST /probe": (caller, _, silentBroker) => ({
    call: caller.call("POST", "/probe?wait=30", { url: silentBroker.url }),
    begun: silentBroker.connection(1),
  }),
  "POST …/publish with QoS 1": (caller, broker) => ({
    call: caller.call("POST", "/connections/home/publish?topic=a&qos=1&wait=30", { n: 1 }),
    begun: packet(broker, "publish"),
  }),
  "POST …/publish of an array": (caller, broker) => ({
    call: caller.call("POST", "/connections/home/publish?wait=30", [{ topic: "a", qos: 1 }]),
    begun: packet(broker, "publish"),
  }),
  "POST …/request": (caller, broker) => ({
    call: caller.call("POST", "/connections/home/request", { topic: "a", qos: 0, timeoutMs: 30_000 }),
    begun: packet(broker, "publish"),
  }),
  "GET …/messages, long poll": (caller, broker) => ({
    call: caller.call("GET", "/connections/home/messages?wait=30&subscribe=a"),
    begun: packet(broker, "subscribe"),
  }),
  "GET …/retained": (caller, broker) => ({
    call: caller.call("GET", "/connections/home/retained?topic=a&wait=30"),
    begun: packet(broker, "subscribe"),
  }),
  "GET /connections/{id}?wait=": (caller) => ({
    call: caller.call("GET", "/connections/home?wait=30"),
    // It is behind the call on the way, if not on the same one.
    begun: caller.call("GET", "/connections/home"),
  }),
};

/** A server on which somebody has a connection; the broker acknowledges no publish. */
async function scene() {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await startScriptedBroker(accepts()));
  const silentBroker = opened.use(await startScriptedBroker(silent()));
  const app = opened.use(await startApp(withTokens));
  const owner = await callerOf(app, { tenant: "a" });
  const request = { id: "home", url: broker.url };
  assert.equal((await owner.call("POST", "/connections", request)).status, 201);
  const scope = opened.move();
  return { app, broker, silentBroker, owner, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** The token is gone for the calls that follow, and the connection, which is the tenant's, is not. */
async function assertOver(app: TestApp, revoked: Caller, owner: Caller): Promise<void> {
  assertProblem(await revoked.call("GET", "/connections"), 401, "unauthorized");
  const view = await owner.call("GET", "/connections/home");
  assert.equal(view.body.state, "connected", view.text);
  assert.equal((await app.call("GET", "/healthz")).status, 200);
}

describe("S71: a token is revoked", () => {
  for (const [name, begin] of Object.entries(waits)) {
    it(`while ${name} waits: 401 at once, and nothing is left of the call`, async () => {
      await using rig = await scene();
      const { app, broker, silentBroker, owner } = rig;
      const caller = await callerOf(app, { tenant: "a" });
      const { call, begun } = begin(caller, broker, silentBroker);
      await begun;
      await caller.revoke();
      const since = performance.now();
      const answer = await call;
      assert.ok(performance.now() - since < soonMs);
      assertProblem(answer, 401, "unauthorized");
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer error="invalid_token"/);
      await assertOver(app, caller, owner);
      await silentBroker.idle();
      assertProblem(await owner.call("GET", "/connections/new"), 404, "not-found");
    });
  }

  for (const path of ["/events", "/connections/home/events", "/connections/home/messages?format=sse"]) {
    it(`while a stream of ${path} is open: it ends, and says why`, async () => {
      await using rig = await scene();
      const caller = await callerOf(rig.app, { tenant: "a" });
      await using reader = await caller.events(path);
      await using other = await rig.owner.events(path);
      await caller.revoke();
      const since = performance.now();
      await reader.ended;
      assert.ok(performance.now() - since < soonMs);
      assert.equal(reader.seen.at(-1)?.type, "unauthorized");
      await assertOver(rig.app, caller, rig.owner);
      // Nobody else's stream has ended.
      await rig.owner.call("DELETE", "/connections/home");
      await (path === "/events" ? other.next("closed") : other.ended);
      assert.ok(!other.seen.some(({ type }) => type === "unauthorized"));
    });
  }

  it("while DELETE waits for what is not acknowledged: 401 at once, and it goes on", async () => {
    await using rig = await scene();
    const { app, broker, owner } = rig;
    const caller = await callerOf(app, { tenant: "a" });
    const { version } = (await owner.call("POST", "/connections", { id: "new", url: broker.url })).body;
    const peer = await broker.connection(2);
    const sent = new Promise((resolve) => peer.answer("publish", resolve));
    const publish = owner.call("POST", "/connections/new/publish?topic=a&qos=1&wait=30", { n: 1 });
    await sent;
    const call = caller.call("DELETE", "/connections/new?drainMs=30000");
    const view = await owner.call("GET", `/connections/new?wait=10&since=${version}`);
    assert.equal(view.body.state, "closing");
    await caller.revoke();
    assertProblem(await call, 401, "unauthorized");
    assert.equal((await owner.call("DELETE", "/connections/new?force=true")).status, 200);
    assert.notEqual((await publish).status, 200);
    await assertOver(app, caller, owner);
  });

  it("while a webhook is tested: 401 at once", async () => {
    await using rig = await scene();
    const { app, owner } = rig;
    await using endpoint = await startEndpoint(silence);
    const caller = await callerOf(app, { tenant: "a" });
    const { body } = await owner.call("POST", "/webhooks", { url: endpoint.url, events: ["failed"] });
    const call = caller.call("POST", `/webhooks/${body.id}/test`);
    await endpoint.nth(1);
    await caller.revoke();
    assertProblem(await call, 401, "unauthorized");
    await assertOver(app, caller, owner);
  });

  it("while lines are published: those that are left are told, and the stream ends", async () => {
    await using rig = await scene();
    const caller = await callerOf(rig.app, { tenant: "a" });
    const path = "/connections/home/publish";
    using lines = new DuplexCall(rig.app.url, path, [`Authorization: Bearer ${caller.token}`]);
    lines.send('{"topic":"a"}\n');
    assert.equal((await lines.next()).status, 202);
    await caller.revoke();
    lines.send('{"topic":"a"}\n');
    for (const report of await lines.rest()) assert.equal(report.code, "unauthorized");
    await assertOver(rig.app, caller, rig.owner);
    const [peer] = rig.broker.peers;
    assert.equal(peer?.received.filter(({ cmd }) => cmd === "publish").length, 1);
  });
});

describe("S71: a token runs out", () => {
  it("while a stream is open: it ends within a second or so, and calls are 401", async () => {
    await using rig = await scene();
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const caller = await callerOf(rig.app, { tenant: "a", expiresAt });
    await using reader = await caller.events("/events");
    await reader.ended;
    const late = Date.now() - Date.parse(expiresAt);
    assert.ok(late >= 0 && late < 5_000, `${late} ms`);
    assert.equal(reader.seen.at(-1)?.type, "unauthorized");
    await assertOver(rig.app, caller, rig.owner);
  });
});

describe("S71: an Idempotency-Key whose call the end of a right has cut short", () => {
  /** A session, which can end while the token of the same name goes on: as a JWT does that is renewed. */
  async function session(caller: Caller) {
    const made = await caller.call("POST", "/session");
    const cookie = made.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { cookie, "sec-fetch-site": "same-origin" };
  }

  it("is free again where the call was given up", async () => {
    await using rig = await scene();
    const { app, silentBroker, owner } = rig;
    const headers = await session(owner);
    const key = { "idempotency-key": "k" };
    const request = { id: "new", url: silentBroker.url };
    const call = app.call("POST", "/connections?wait=30", request, { ...headers, ...key });
    await silentBroker.connection(1);
    await app.call("DELETE", "/session", undefined, headers);
    assertProblem(await call, 401, "unauthorized");
    const again = owner.call("POST", "/connections?wait=30", request, key);
    await silentBroker.connection(2);
    await owner.revoke();
    assertProblem(await again, 401, "unauthorized");
  });

  it("has the answer of a publish, which goes on, and is not sent again", async () => {
    await using rig = await scene();
    const { app, broker, owner } = rig;
    const headers = await session(owner);
    const key = { "idempotency-key": "k" };
    const peer = await broker.connection(1);
    const sent = new Promise<number>((resolve) =>
      peer.answer("publish", ({ messageId }) => resolve(messageId ?? 0)),
    );
    const path = "/connections/home/publish?topic=a&qos=1&wait=30";
    const call = app.call("POST", path, { n: 1 }, { ...headers, ...key });
    const messageId = await sent;
    await app.call("DELETE", "/session", undefined, headers);
    peer.send({ cmd: "puback", messageId });
    await call;
    const again = await owner.call("POST", path, { n: 1 }, key);
    assert.equal(again.status, 200, again.text);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    assert.equal(peer.received.filter(({ cmd }) => cmd === "publish").length, 1);
  });
});
