import assert from "node:assert/strict";
import { accepts, acceptsThen } from "../support/broker-scripts.ts";
import { assertProblem } from "../support/invariants.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { after, before, describe, it } from "../support/test.ts";
import { asAdmin, WebhookCells } from "../support/webhook-cells.ts";
import {
  quick,
  startEndpoint,
  status,
  verify,
  type Received,
  type WebhookEndpoint,
} from "../support/webhook-endpoint.ts";

const all = [1, 2, 3];
const events = ["connected"];
const otherKey = { CONNACK_SECRET_KEY: "11".repeat(32) };

describe("webhooks of a cluster", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  /** Cells, an endpoint, a broker, and a connection in each cell. */
  async function scene({ giveUpAfterMs = quick.giveUpAfterMs, answer = status(204) } = {}) {
    count += 1;
    await using opened = new AsyncDisposableStack();
    const broker = opened.use(await startScriptedBroker(accepts()));
    const endpoint = opened.use(await startEndpoint(answer));
    const webhookSchedule = { ...quick, giveUpAfterMs };
    const cells = opened.use(await WebhookCells.make(nats, `hooks${count}`, { webhookSchedule }));
    const ids: readonly string[] = ["", ...all.map((shard) => cells.idIn(shard))];
    const create = async (fields: object = {}) => {
      const made = await cells.call("POST", "/webhooks", { url: endpoint.url, events, ...fields });
      assert.equal(made.status, 201, made.text);
      await cells.heard(made.body.id, (view) => view !== null);
      return made.body as { readonly id: string; readonly secret: string };
    };
    /** Has it connected for the first time, or once more. */
    const connect = async (shard: number) => {
      const id = ids[shard];
      const made = await cells.call("POST", "/connections?wait=10", { id, url: broker.url, durable: true });
      if (made.status === 409) {
        const again = await cells.call("POST", `/connections/${id}/reconnect?wait=10`);
        assert.equal(again.status, 200, again.text);
      } else assert.ok(made.status < 300, made.text);
    };
    const view = async (id: string) => (await cells.call("GET", `/webhooks/${id}`)).body;
    const scope = opened.move();
    return {
      ...{ cells, endpoint, ids, create, connect, view },
      [Symbol.asyncDispose]: () => scope.disposeAsync(),
    };
  }

  const from = ({ body }: Received): string => body.data.connection;
  const connectionsOf = ({ received }: WebhookEndpoint) => received.map(from).toSorted(order);
  const order = (a = "", b = "") => (a < b ? -1 : 1);

  it("delivers what happens on connections of all cells, signed with what the home cell has sealed", async () => {
    await using rig = await scene();
    const { secret } = await rig.create();
    for (const shard of all) await rig.connect(shard);
    await rig.endpoint.nth(3);
    for (const one of rig.endpoint.received) verify(secret, one);
    assert.deepEqual(connectionsOf(rig.endpoint), rig.ids.slice(1).toSorted(order));
  });

  it("delivers messages to a webhook of a tenant, and none of another one's", async () => {
    await using rig = await scene();
    const scopes = ["connections:read", "connections:write", "subscribe"];
    const fields = { name: "x", tenant: "acme", scopes, subscribe: ["#"] };
    const made = await rig.cells.call("POST", "/tokens", fields);
    assert.equal(made.status, 201, made.text);
    const own = { authorization: `Bearer ${made.body.token}` };
    await using broker = await startScriptedBroker(acceptsThen((peer) => peer.send(message("t/1", "21.5"))));
    const [, first, second] = rig.ids;
    const open = (id: string | undefined, as?: Record<string, string>) =>
      rig.cells.call("POST", "/connections?wait=10", { id, url: broker.url }, as);
    // It is heard of where the tenant has something.
    assert.equal((await open(first, own)).status, 201);
    const { url } = rig.endpoint;
    const hook = await rig.cells.call(
      "POST",
      "/webhooks",
      { url, topics: ["t/#"], events: ["connected"] },
      own,
    );
    assert.equal(hook.status, 201, hook.text);
    await rig.cells.heard(hook.body.id, (view) => view !== null, own);
    assert.equal((await open(second)).status, 201);
    assert.equal(
      (await rig.cells.call("POST", `/connections/${first}/reconnect`, undefined, own)).status,
      200,
    );
    const received = [await rig.endpoint.nth(1), await rig.endpoint.nth(2)];
    for (const one of received) verify(hook.body.secret, one);
    assert.deepEqual(received.map(({ body }) => body.type).toSorted(order), [
      "connack.event.connected",
      "connack.message",
    ]);
    assert.deepEqual([...new Set(received.map(from))], [first]);
    assertProblem(await rig.cells.call("GET", `/webhooks/${hook.body.id}`), 404, "not-found");
  });

  it("follows changes: another URL and secret, disabled, enabled, deleted", async () => {
    await using rig = await scene();
    await using other = await startEndpoint();
    const { id } = await rig.create();
    const path = `/webhooks/${id}`;
    await rig.connect(1);
    await rig.endpoint.nth(1);
    const changed = await rig.cells.call("PATCH", path, {
      url: other.url,
      secret: null,
      secretOverlapSeconds: 0,
    });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(changed.body.counters.delivered, 1);
    await rig.cells.heard(id, ({ url }) => url === other.url);
    await rig.connect(1);
    verify(changed.body.secret, await other.nth(1));
    await rig.cells.call("PATCH", path, { enabled: false });
    await rig.cells.heard(id, ({ enabled }) => enabled === false);
    await rig.connect(1);
    await rig.cells.call("PATCH", path, { enabled: true });
    await other.nth(2);
    assert.equal((await rig.cells.call("DELETE", path)).status, 204);
    await rig.cells.heard(id, (view) => view === null);
    const last = await rig.create();
    await rig.connect(1);
    await rig.connect(2);
    await rig.endpoint.nth(3);
    assert.deepEqual([other.received.length, rig.endpoint.received.length], [2, 3]);
    const left = await rig.cells.call("GET", "/webhooks");
    assert.deepEqual(
      left.body.items.map((each: { id: string }) => each.id),
      [last.id],
    );
  });

  it("delivers while nobody has the cell that keeps webhooks, and says of calls that they cannot be answered", async () => {
    await using rig = await scene();
    const { id, secret } = await rig.create();
    await rig.cells.stop(0);
    await rig.connect(1);
    verify(secret, await rig.endpoint.nth(1));
    assertProblem(await rig.cells.call("GET", "/webhooks"), 503, "no-owner");
    assertProblem(await rig.cells.call("GET", `/webhooks/${id}`), 503, "no-owner");
    await rig.cells.start(0);
    assert.equal((await rig.view(id)).counters.delivered, 1);
    await rig.cells.call("PATCH", `/webhooks/${id}`, { enabled: false });
    await rig.cells.heard(id, ({ enabled }) => enabled === false);
  });

  it("goes on where a cell was, when another node takes it: nothing is skipped", async () => {
    await using rig = await scene({ answer: status(503) });
    const { id } = await rig.create();
    for (const _ of [1, 2, 3]) await rig.connect(1);
    await rig.endpoint.nth(2);
    await rig.cells.stop(1);
    const kept = rig.endpoint.received.length;
    rig.endpoint.answer = status(204);
    await rig.cells.start(1);
    await rig.connect(1);
    // Those of before, and those of a connection that comes back and is told to connect once more.
    const happened = async (): Promise<string[]> => {
      const path = `/connections/${rig.ids[1]}/events?limit=100`;
      const page = await rig.cells.call("GET", path, undefined, { ...asAdmin, accept: "application/json" });
      const connected = page.body.items.filter(({ type }: { type: string }) => type === "connected");
      return connected.map((each: { id: string }) => each.id);
    };
    const expected = await happened();
    assert.ok(expected.length >= 4);
    const seen = new Set<string>();
    for (let n = kept + 1; seen.size < expected.length; n += 1)
      seen.add((await rig.endpoint.nth(n)).body.data.id);
    assert.deepEqual([...seen], expected);
    assert.ok((await rig.view(id)).counters.delivered >= expected.length);
  });

  it("goes on where a cell was, when another node takes it from one that does not know: nothing is skipped", async () => {
    await using rig = await scene();
    await rig.create();
    await rig.connect(1);
    await rig.endpoint.nth(1);
    rig.endpoint.answer = () => {};
    await rig.connect(1);
    const cut = await rig.endpoint.nth(2);
    await rig.cells.takeOver(1);
    rig.endpoint.answer = status(204);
    await rig.connect(1);
    const [third, fourth] = [await rig.endpoint.nth(3), await rig.endpoint.nth(4)];
    assert.equal(third.headers["webhook-id"], cut.headers["webhook-id"]);
    assert.notEqual(fourth.body.data.id, cut.body.data.id);
  });

  it("begins a webhook that was made while a cell was moved when that hears of it, and forgets one that was deleted", async () => {
    await using rig = await scene({ giveUpAfterMs: 0, answer: status(500) });
    const gone = await rig.create();
    await rig.connect(1);
    do;
    while ((await rig.view(gone.id)).counters.dead < 1);
    await rig.cells.stop(1);
    assert.equal((await rig.cells.call("DELETE", `/webhooks/${gone.id}`)).status, 204);
    const made = await rig.create();
    rig.endpoint.answer = status(204);
    const before = rig.endpoint.received.length;
    await rig.cells.start(1);
    await rig.connect(1);
    const one = await rig.endpoint.nth(before + 1);
    verify(made.secret, one);
    assert.equal(from(one), rig.ids[1]);
    const left = await rig.cells.cell(1).call("GET", `/webhooks/${gone.id}`);
    assert.notEqual(left.status, 200);
  });

  it("shows counters, attempts and dead deliveries of all cells, and replays where they are", async () => {
    await using rig = await scene({ giveUpAfterMs: 0, answer: status(500) });
    const { id } = await rig.create();
    const path = `/webhooks/${id}`;
    for (const shard of [...all, ...all]) await rig.connect(shard);
    let view;
    do view = await rig.view(id);
    while (view.counters.dead < 6);
    assert.deepEqual(view.counters, { delivered: 0, failed: 6, dead: 6, deadDropped: 0 });
    assert.deepEqual([view.state, view.lastFailure.code, view.failuresInARow], ["failing", "refused", 6]);
    const listed = await rig.cells.call("GET", "/webhooks?limit=1");
    assert.deepEqual(listed.body, { items: [view], next: null });
    for (const state of ["recent", "dead"]) {
      const items: { at?: string; diedAt?: string; connection: string }[] = [];
      let next: string | undefined = `${path}/deliveries?state=${state}&limit=4`;
      const sizes: number[] = [];
      while (next !== undefined) {
        const page: Awaited<ReturnType<typeof rig.cells.call>> = await rig.cells.call("GET", next);
        assert.equal(page.status, 200, page.text);
        sizes.push(page.body.items.length);
        items.push(...page.body.items);
        next = /^<(.+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
        assert.equal(next === undefined, page.body.next === null);
      }
      assert.deepEqual(sizes, [4, 2]);
      const times = items.map(({ at, diedAt }) => at ?? diedAt ?? "");
      assert.deepEqual(times, times.toSorted(order));
      assert.equal(new Set(items.map(({ connection }) => connection)).size, 3);
    }
    for (const query of ["cursor=!", "state=none", "limit=0", "cursor=1&cursor=2"])
      assertProblem(await rig.cells.call("GET", `${path}/deliveries?${query}`), 422, "invalid-request");
    const dead = (await rig.cells.call("GET", `${path}/deliveries?state=dead`)).body.items;
    rig.endpoint.answer = status(204);
    const last = dead.at(-1);
    const replay = () => rig.cells.call("POST", `${path}/deliveries/${last.id}/replay`);
    const replayed = await replay();
    assert.deepEqual([replayed.status, replayed.body.state], [200, "delivered"]);
    assertProblem(await replay(), 404, "not-found");
    const rest = await rig.cells.call("POST", `${path}/replay`);
    assert.deepEqual([rest.status, rest.body], [202, { replaying: 5 }]);
    do view = await rig.view(id);
    while (view.counters.dead > 0);
    assert.deepEqual([view.state, view.counters.delivered], ["active", 6]);
    assertProblem(await rig.cells.call("POST", "/webhooks/w_none/replay"), 404, "not-found");
    assertProblem(await rig.cells.call("GET", "/webhooks/w_none/deliveries"), 404, "not-found");
  });

  it("is disabled everywhere when its endpoint is gone for one cell, and goes on when it is enabled", async () => {
    await using rig = await scene({ answer: status(410) });
    const { id } = await rig.create();
    await rig.connect(1);
    await rig.cells.heard(id, ({ disabled }) => disabled?.reason === "gone");
    assert.equal((await rig.view(id)).state, "disabled");
    await rig.connect(2);
    assert.equal(rig.endpoint.received.length, 1);
    rig.endpoint.answer = status(204);
    await rig.cells.call("PATCH", `/webhooks/${id}`, { enabled: true });
    await rig.endpoint.nth(3);
    assert.deepEqual(connectionsOf(rig.endpoint), [rig.ids[1], rig.ids[1], rig.ids[2]].toSorted(order));
  });

  it("says where a node has not the key of the secret, sends nothing unsigned, and goes on with it", async () => {
    await using rig = await scene();
    const { id, secret } = await rig.create();
    await rig.cells.stop(1);
    await rig.cells.start(1, otherKey);
    await rig.connect(1);
    await rig.connect(2);
    verify(secret, await rig.endpoint.nth(1));
    const view = await rig.view(id);
    assert.deepEqual([view.state, view.lastFailure.code], ["failing", "secret-key-unknown"]);
    assert.match(view.lastFailure.detail, /CONNACK_SECRET_KEY/);
    // It waits; it does not try in vain until it is given up.
    assert.deepEqual(view.counters, { delivered: 1, failed: 0, dead: 0, deadDropped: 0 });
    assert.ok(
      rig.cells.cell(1).logs.some((line) => /"level":"error".*cannot be opened on this node/.test(line)),
    );
    await rig.cells.stop(1);
    await rig.cells.start(1);
    verify(secret, await rig.endpoint.nth(2));
    assert.deepEqual(rig.endpoint.received.slice(0, 2).map(from), [rig.ids[2], rig.ids[1]]);
    assert.equal((await rig.view(id)).state, "active");
  });
});
