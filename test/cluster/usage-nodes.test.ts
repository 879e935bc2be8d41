import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { accepts } from "../support/broker-scripts.ts";
import { balanced, startClusterApps, type ClusterAppNode } from "../support/cluster-apps.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import { after, before, describe, it } from "../support/test.ts";

const [mostConnections, mostCalls] = [200, 400];

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

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { readonly code: string }).code;
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
        const answer = await call(node, "POST", "/connections", { url: broker.url });
        if (answer.status === 202) opened.set(node.name, opened.get(node.name)! + 1);
        else if ((await codeOf(answer)) === "limit-reached") refused += 1;
        else await setImmediate();
      }
    };
    await Promise.all(nodes.flatMap((node) => Array.from({ length: 4 }, () => open(node))));
    const total = [...opened.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(total >= mostConnections && total <= mostConnections * 1.1, `${total} connections`);
  });

  it("calls go through as often as they may, whichever nodes are asked", async () => {
    const call = await callerOf(nodes[0]!, "often");
    const hammer = async (at: readonly ClusterAppNode[], ms: number) => {
      const began = performance.now();
      let through = 0;
      const ask = async (node: ClusterAppNode, n: number) => {
        for (let k = n; performance.now() - began < ms; k += 1) {
          const { status } = await call(node, "GET", `/connections/none-${k}`);
          if (status === 404) through += 1;
          else assert.equal(status, 429);
          await setImmediate();
        }
      };
      await Promise.all(at.flatMap((node) => [0, 1_000].map((n) => ask(node, n))));
      return { through, seconds: (performance.now() - began) / 1_000 };
    };
    // The first second is that of the burst.
    await hammer(nodes, 1_500);
    const { through, seconds } = await hammer(nodes, 4_000);
    const rate = through / seconds;
    assert.ok(rate >= mostCalls * 0.9 && rate <= mostCalls * 1.1, `${rate} calls a second`);
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
    for (let n = 0; n < mostConnections;) {
      const { status } = await put(nodes[n % 3]!, n);
      if (status === 202) n += 1;
      else assert.equal(status, 429);
    }
    const [a, b, c] = nodes;
    await c!.app.close();
    await balanced([a!, b!]);
    const list = (await (await call(a!, "GET", "/connections?limit=1000")).json()) as {
      readonly items: readonly unknown[];
    };
    assert.equal(list.items.length, mostConnections);
    for (const node of [a!, b!]) {
      let answer = await put(node, mostConnections);
      for (; answer.status === 202; answer = await put(node, mostConnections))
        assert.equal((await call(node, "DELETE", `/connections/c${mostConnections}`)).status, 204);
      assert.equal(await codeOf(answer), "limit-reached");
    }
  });
});
