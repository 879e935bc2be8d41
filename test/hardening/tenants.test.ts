import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startApp, type Answer } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace } from "../support/durable-app.ts";
import { assertProblem } from "../support/invariants.ts";
import { mosquittoAvailable, startMosquitto } from "../support/mosquitto.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { callerOf, withTokens, type Caller } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";
import { silence, startEndpoint } from "../support/webhook-endpoint.ts";

/** What of one tenant there is to be found, and a body for each call that needs one. */
interface Found {
  readonly id: string;
  readonly mid: string;
  readonly message: string;
  readonly webhook: string;
  readonly ticket: string;
}

const bodies: Readonly<Record<string, object>> = {
  "post /connections/{id}/subscriptions": { topicFilter: "a" },
  "post /connections/{id}/request": { topic: "a", timeoutMs: 10 },
  "post /connections/{id}/publish": { topic: "a" },
  "patch /webhooks/{id}": { labels: {} },
};

const queries: Readonly<Record<string, string>> = {
  "delete /connections/{id}/subscriptions": "?topicFilter=a",
  "get /connections/{id}/retained": "?topic=a",
};

/** Of these there is none that belongs to a tenant; or to create one is what they are for. */
const notSomebodys = /^(put \/connections\/\{id\}|.* \/problems\/\{code\}|.* \/tokens\/\{id\})$/;

/** Every call with something of somebody's in its path, out of the sources, so that none is forgotten. */
function calls(): readonly (readonly [method: string, path: string])[] {
  const folder = resolve(import.meta.dirname, "../../routes");
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const found = texts.flatMap((text) =>
    [...text.matchAll(/method: "(\w+)",\s*path: "([^"]*\{[^"]*)"/g)].map(
      ([, method = "", path = ""]) => [method, path] as const,
    ),
  );
  return found.filter(([method, path]) => !notSomebodys.test(`${method} ${path}`));
}

/** The path with what is in it; `unknown`, of the same forms, but there is nothing of that. */
function pathOf(path: string, found: Found, unknown: boolean): string {
  const id = path.startsWith("/webhooks")
    ? found.webhook
    : path.startsWith("/stream")
      ? found.ticket
      : found.id;
  const values = { ...found, id, filter: "a", delivery: found.mid };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name as keyof typeof values];
    return unknown && name === "id" ? `${value.slice(0, -1)}${value.endsWith("x") ? "y" : "x"}` : value;
  });
}

/** The answer without what is of the call alone. */
function told({ status, headers, body, text }: Answer, found: Found) {
  const { instance, ...rest } = body ?? { text };
  const names = [...headers].filter(([name]) => !["x-request-id", "date", "ratelimit"].includes(name));
  assert.match(String(instance), /^urn:request:/);
  assert.ok(!text.includes(found.id) && !text.includes(found.webhook), text);
  return { status, rest, names };
}

const hook = { url: "http://127.0.0.1:9/hook", events: ["*"] };

async function occupy(owner: Caller, broker: string, endpoint: string): Promise<Found> {
  const put = await owner.call("PUT", "/connections/home", {
    url: broker,
    clientId: "occupied",
    subscriptions: [{ topicFilter: "a" }],
  });
  assert.equal(put.status, 201, put.text);
  assert.equal((await owner.call("POST", "/connections/home/publish?topic=a&qos=1", { n: 1 })).status, 200);
  const { body: page } = await owner.call("GET", "/connections/home/messages?wait=5");
  const queued = await owner.call("POST", "/connections/home/publish?topic=a&qos=1&queue=60", { n: 2 });
  assert.equal(queued.status, 202, queued.text);
  const webhook = await owner.call("POST", "/webhooks", { url: endpoint, topics: ["#"], events: ["*"] });
  assert.equal(webhook.status, 201, webhook.text);
  const ticket = await owner.call("POST", "/stream-tickets", { path: "/connections/home/events" });
  assert.equal(ticket.status, 201, ticket.text);
  const [first] = page.items;
  return {
    id: "home",
    mid: first.id,
    message: queued.body.id,
    webhook: webhook.body.id,
    ticket: ticket.body.id,
  };
}

describe("tenants", () => {
  it(
    "S70: what is another tenant's is not there, on every route and verb, and nothing in the answer tells",
    async () => {
      await using place = durablePlace();
      await using mosquitto = await startMosquitto();
      await using endpoint = await startEndpoint(silence);
      const app = await place.start({ ...place.environment, ...withTokens });
      const owner = await callerOf(app, { tenant: "a" });
      // An operator rules over tokens and tickets, and over nothing else that is another tenant's.
      const operator = await callerOf(app, { tenant: "default", scopes: ["admin"] });
      const other = await callerOf(app, { tenant: "b" });
      const found = await occupy(owner, mosquitto.url, endpoint.url);
      const all = calls();
      assert.ok(all.length >= 26, `${all.length} calls`);
      for (const [method, path] of all) {
        const name = `${method} ${path}`;
        for (const caller of path.startsWith("/stream") ? [other] : [other, operator]) {
          const call = (unknown: boolean) =>
            caller.call(
              method.toUpperCase(),
              `${pathOf(path, found, unknown)}${queries[name] ?? ""}`,
              bodies[name],
            );
          const [theirs, nobodys] = [await call(false), await call(true)];
          assert.equal(theirs.status, 404, `${name}: ${theirs.text}`);
          assert.deepEqual(told(theirs, found), told(nobodys, found), name);
        }
      }
      // All of it is as it was.
      const view = await owner.call("GET", "/connections/home");
      assert.equal(view.body.state, "connected");
      assert.equal((await owner.call("GET", `/webhooks/${found.webhook}`)).status, 200);
      assert.equal((await owner.call("GET", `/connections/home/messages/${found.mid}/payload`)).status, 200);
    },
    { skip: !mosquittoAvailable() },
  );

  it("lists, events and idempotency keys are each tenant's own, and so are ids", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp(withTokens);
    const [a, b] = [await callerOf(app, { tenant: "a" }), await callerOf(app, { tenant: "b" })];
    await using events = await b.events("/events");
    const key = { "idempotency-key": "k" };
    const open = (caller: Caller, label: string) =>
      caller.call("POST", "/connections", { id: "home", url: broker.url, labels: { label } }, key);
    const [first, second] = [await open(a, "a"), await open(b, "b")];
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.equal(second.headers.get("idempotent-replayed"), null);
    assert.equal(second.body.request.labels.label, "b");
    // Of one tenant, but with another token: the key has been used by nobody, and the id is taken.
    assertProblem(await open(await callerOf(app, { tenant: "a" }), "a"), 409, "connection-exists");
    assert.equal((await open(a, "a")).headers.get("idempotent-replayed"), "true");
    for (const [caller, label] of [
      [a, "a"],
      [b, "b"],
    ] as const) {
      const { items } = (await caller.call("GET", "/connections")).body;
      assert.deepEqual(
        items.map(({ request }: { request: { labels: object } }) => request.labels),
        [{ label }],
      );
      const history = (await caller.call("GET", "/events?format=json")).body;
      assert.deepEqual(
        history.items.map(({ type, connection }: Record<string, string>) => `${connection} ${type}`),
        ["home connecting", "home connected"],
      );
    }
    assert.equal((await a.call("DELETE", "/connections/home")).status, 200);
    assert.equal((await b.call("GET", "/connections/home")).body.state, "connected");
    await events.next("connected");
    const { body } = await b.call("POST", "/connections", { id: "last", url: broker.url });
    assert.equal((await events.next()).data.connection, "last");
    assert.deepEqual([...new Set(events.seen.map(({ type }) => type))].toSorted(), [
      "connected",
      "connecting",
      "snapshot",
    ]);
    assert.equal(body.state, "connected");
  });

  it("one tenant cannot take over another's client id at a broker, by whatever name of the broker", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp(withTokens);
    const [a, b] = [await callerOf(app, { tenant: "a" }), await callerOf(app, { tenant: "b" })];
    const { port } = new URL(broker.url);
    const open = (caller: Caller, host: string, more: object = {}, query = "") =>
      caller.call("POST", `/connections${query}`, { host, port: Number(port), clientId: "mine", ...more });
    assert.equal((await open(a, "127.0.0.1", { id: "home" })).status, 201);
    for (const host of ["127.0.0.1", "127.1", "localhost", "LOCALHOST", "0x7f000001"]) {
      assertProblem(await open(b, host), 409, "client-id-in-use");
    }
    assertProblem(await open(b, "127.0.0.1", {}, "?wait=0"), 409, "client-id-in-use");
    const late = await open(b, "localhost", { id: "late" }, "?wait=0");
    assert.equal(late.status, 202, late.text);
    const view = await b.call("GET", `/connections/late?wait=5&since=${late.body.version}`);
    assert.equal(view.body.lastError.code, "client-id-in-use");
    assert.equal(view.body.state, "failed");
    assertProblem(
      await b.call("PUT", "/connections/put", { host: "127.0.0.1", port: Number(port), clientId: "mine" }),
      409,
      "client-id-in-use",
    );
    const probe = { host: "127.0.0.1", port: Number(port), clientId: "mine" };
    assertProblem(await b.call("POST", "/probe", probe), 409, "client-id-in-use");
    // The broker has seen one CONNECT, and no other; and when it is gone, the client id is free.
    assert.equal(broker.peers.filter(({ received }) => received[0]?.cmd === "connect").length, 1);
    assert.equal((await a.call("GET", "/connections/home")).body.state, "connected");
    assert.equal((await open(a, "127.0.0.1", { id: "again" })).status, 201);
    for (const id of ["home", "again"]) await a.call("DELETE", `/connections/${id}`);
    assert.equal((await open(b, "127.0.0.1")).status, 201);
  });

  it("what each tenant has comes back after a restart, and is still its own", async () => {
    await using place = durablePlace();
    await using broker = await startScriptedBroker(accepts());
    const environment = { ...place.environment, ...withTokens };
    const before = await place.start(environment);
    const names = ["a", "b", "default"];
    const tokens: Caller[] = [];
    for (const tenant of names) {
      const caller = await callerOf(before, { tenant });
      tokens.push(caller);
      const request = { url: broker.url, clientId: tenant, password: `of-${tenant}`, username: tenant };
      assert.equal((await caller.call("PUT", "/connections/home", request)).status, 201);
    }
    await before.stop();
    const after = await place.start(environment);
    for (const [index, tenant] of names.entries()) {
      const headers = tokens[index]!.headers;
      const { items } = (await after.call("GET", "/connections", undefined, { ...headers })).body;
      assert.deepEqual(
        items.map(({ id, clientId }: Record<string, string>) => [id, clientId]),
        [["home", tenant]],
      );
      const events = await after.call("GET", "/events?format=json", undefined, { ...headers });
      assert.ok(events.body.items.length >= 2);
    }
    await Promise.all([1, 2, 3, 4, 5, 6].map((n) => broker.connection(n)));
    const sent = broker.peers.map(({ received: [packet] }) =>
      packet?.cmd === "connect" ? `${packet.clientId} ${packet.password?.toString()}` : "",
    );
    for (const tenant of names)
      assert.equal(sent.filter((text) => text === `${tenant} of-${tenant}`).length, 2);
  });

  it("a tenant's quota is its own: another one goes on, and its calls are answered", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ ...withTokens, CONNACK_TENANT_MAX_CONNECTIONS: "2" });
    const [a, b] = [await callerOf(app, { tenant: "a" }), await callerOf(app, { tenant: "b" })];
    const open = (caller: Caller) => caller.call("POST", "/connections", { url: broker.url });
    assert.deepEqual([(await open(a)).status, (await open(a)).status], [201, 201]);
    const full = await open(a);
    assertProblem(full, 429, "limit-reached");
    assert.deepEqual(full.body.limit, { name: "CONNACK_TENANT_MAX_CONNECTIONS", value: 2 });
    assert.ok(Number(full.headers.get("retry-after")) > 0);
    assert.equal((await open(b)).status, 201);
  });

  it("tenants are bounded, and one that has nothing makes room for another", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ ...withTokens, CONNACK_MAX_TENANTS: "3" });
    const [a, b, c] = [
      await callerOf(app, { tenant: "a" }),
      await callerOf(app, { tenant: "b" }),
      await callerOf(app, { tenant: "c" }),
    ];
    assert.equal((await a.call("POST", "/connections", { id: "a", url: broker.url })).status, 201);
    assert.equal((await b.call("GET", "/connections")).status, 200);
    assert.equal((await c.call("POST", "/connections", { url: broker.url })).status, 201);
    const full = await b.call("GET", "/connections");
    assertProblem(full, 429, "limit-reached");
    assert.equal(full.body.limit.name, "CONNACK_MAX_TENANTS");
    assert.equal((await a.call("GET", "/connections/a")).body.state, "connected");
  });

  it("one that has made room is not taken for what it was: its events have other ids", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ ...withTokens, CONNACK_STORE: "memory", CONNACK_MAX_TENANTS: "2" });
    const [a, b] = [await callerOf(app, { tenant: "a" }), await callerOf(app, { tenant: "b" })];
    const connect = async (id: string) => {
      assert.equal((await a.call("POST", "/connections", { id, url: broker.url })).status, 201);
      assert.equal((await a.call("DELETE", `/connections/${id}`)).status, 200);
    };
    await connect("before");
    const { next } = (await a.call("GET", "/events?format=json")).body;
    assert.equal((await b.call("GET", "/connections")).status, 200);
    await connect("after");
    const { items, gap } = (await a.call("GET", `/events?format=json&after=${next}`)).body;
    assert.equal(gap.requested, next);
    assert.deepEqual(
      items.map(({ connection, type }: Record<string, string>) => `${connection} ${type}`),
      ["after connecting", "after connected", "after closing", "after closed"],
    );
  });

  it("one that has answers by Idempotency-Key in memory alone makes room last", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ ...withTokens, CONNACK_STORE: "memory", CONNACK_MAX_TENANTS: "3" });
    const [a, b, c, d] = [
      await callerOf(app, { tenant: "a" }),
      await callerOf(app, { tenant: "b" }),
      await callerOf(app, { tenant: "c" }),
      await callerOf(app, { tenant: "d" }),
    ];
    const key = { "idempotency-key": "k" };
    const open = () => a.call("POST", "/connections", { id: "home", url: broker.url }, key);
    assert.equal((await open()).status, 201);
    assert.equal((await a.call("DELETE", "/connections/home")).status, 200);
    for (const caller of [b, c, d]) assert.equal((await caller.call("GET", "/connections")).status, 200);
    assert.equal((await open()).headers.get("idempotent-replayed"), "true");
    for (const caller of [b, c]) assert.equal((await caller.call("POST", "/webhooks", hook)).status, 201);
    assert.equal((await open()).status, 429);
  });
});
