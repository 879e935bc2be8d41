import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { accepts } from "../support/broker-scripts.ts";
import { balanced, startClusterApps, type ClusterAppNode } from "../support/cluster-apps.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import { after, before, describe, it } from "../support/test.ts";

const [mostConnections, mostCalls] = [200, 150];

/** Calls for a tenant. */
type Call = (node: ClusterAppNode, method: string, path: string, body?: object) => Promise<Response>;

async function callerOf(node: ClusterAppNode, tenant: string): Promise<Call> {
  const scopes = ["connections:read", "connections:write", "publish", "subscribe"];
  const answer = await node.call("POST", "/tokens", { name: "test", scopes, tenant });
  assert.equal(answer.status, 201);
  const { token } = (await answer.json()) as { readonly token: string };
  const headers = { authorization: `Bearer ${token}`, prefer: "respond-async" };
  return (at, method, path, body) => at.call(method, path, body, headers);
}

interface Read {
  readonly status: number;
  readonly body: { readonly code?: string; readonly items?: readonly unknown[] };
}

async function read(answer: Response): Promise<Read> {
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Read["body"]) };
}

/** Calls again while that is too often. */
async function patient(call: () => Promise<Response>): Promise<Read> {
  for (;;) {
    const answer = await read(await call());
    if (answer.body.code !== "rate-limited") return answer;
    await setImmediate();
  }
}

describe("limits of a tenant on three nodes", () => {
  let nats: Nats;
  let broker: ScriptedBroker;
  let nodes: readonly ClusterAppNode[] = [];
  before(async () => {
    nats = await startNats();
    broker = await startScriptedBroker(accepts());
    nodes = await startClusterApps(nats, "limits", ["a", "b", "c"], {
      CONNACK_TENANT_MAX_CONNECTIONS: String(mostConnections),
      CONNACK_TENANT_MAX_REQUESTS_PER_SECOND: String(mostCalls),
      CONNACK_TENANT_MAX_STREAMS: "2",
    });
  });
  after(async () => {
    for (const { app } of nodes) await app.close();
    await broker[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  it("there are as many connections as there may be, whichever nodes are asked, and 10 % more at most", async () => {
    const call = await callerOf(nodes[0]!, "many");
    const opened = new Map(nodes.map(({ name }) => [name, 0]));
    const open = async (node: ClusterAppNode) => {
      for (let refused = 0; refused < 3;) {
        const { status, body } = await patient(() => call(node, "POST", "/connections", { url: broker.url }));
        if (status === 202) opened.set(node.name, opened.get(node.name)! + 1);
        else {
          assert.equal(body.code, "limit-reached");
          refused += 1;
        }
      }
    };
    await Promise.all(nodes.flatMap((node) => Array.from({ length: 4 }, () => open(node))));
    const total = [...opened.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(total >= mostConnections && total <= mostConnections * 1.1, `${total} connections`);
  });

  it("calls go through as often as they may, whichever nodes are asked", async () => {
    const call = await callerOf(nodes[0]!, "often");
    const began = performance.now();
    const spent = () => (performance.now() - began) / 1_000;
    let through = 0;
    const hammer = async (node: ClusterAppNode, n: number) => {
      for (let k = n; spent() < 5; k += 1) {
        const { status } = await call(node, "GET", `/connections/none-${k}`);
        if (status === 404) through += 1;
        else assert.equal(status, 429);
        await setImmediate();
      }
    };
    await Promise.all(nodes.flatMap((node) => [hammer(node, 0), hammer(node, 1_000)]));
    const wanted = mostCalls * spent();
    // At the beginning, as many as come in a second may come at once.
    assert.ok(through >= wanted * 0.9, `${through} of ${wanted}`);
    assert.ok(through <= (wanted + mostCalls) * 1.1, `${through} of ${wanted}`);
  });

  it("what all shards are asked for is one call, and one stream", async () => {
    const call = await callerOf(nodes[0]!, "few");
    const left = async (path: string) => {
      const { status, headers } = await call(nodes[1]!, "GET", path);
      assert.equal(status, 200);
      return Number(/r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]);
    };
    // With each one more than what comes back meanwhile.
    for (let n = 0; n < 5; n += 1) assert.ok((await left("/connections")) >= mostCalls - 6);
    assert.ok((await left("/events?format=json")) >= mostCalls - 6);
    const streams = [await call(nodes[1]!, "GET", "/events"), await call(nodes[2]!, "GET", "/events")];
    assert.deepEqual(
      streams.map(({ status }) => status),
      [200, 200],
    );
    const third = await call(nodes[0]!, "GET", "/events");
    assert.equal(third.status, 429);
    for (const { body } of streams) await body?.cancel();
  });

  it("connections that come back on another node are not refused, and count there", async () => {
    const call = await callerOf(nodes[0]!, "moved");
    const put = (at: ClusterAppNode, n: number) => call(at, "PUT", `/connections/c${n}`, { url: broker.url });
    for (let n = 0; n < mostConnections;)
      if ((await patient(() => put(nodes[n % 3]!, n))).status === 202) n += 1;
    const [a, b, c] = nodes;
    await c!.app.close();
    await balanced([a!, b!]);
    const { items } = (await patient(() => call(a!, "GET", "/connections?limit=1000"))).body;
    assert.equal(items!.length, mostConnections);
    const more = `/connections/c${mostConnections}`;
    for (const node of [a!, b!]) {
      const putMore = () => patient(() => put(node, mostConnections));
      let answer = await putMore();
      // It may not have heard yet of what the other one has got.
      for (; answer.status === 202; answer = await putMore())
        assert.equal((await patient(() => call(node, "DELETE", more))).status, 204);
      assert.equal(answer.body.code, "limit-reached");
    }
  });
});
