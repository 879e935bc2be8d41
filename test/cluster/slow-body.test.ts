import assert from "node:assert/strict";
import { home } from "../../src/cluster/front-shard.ts";
import { adminToken } from "../support/access.ts";
import { startClusterApps } from "../support/cluster-apps.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

interface Standing {
  readonly cluster: { readonly shards: { readonly owned: readonly number[] } };
}

describe("a body that does not come to its end, at a node that does not own what the call is about", () => {
  let nats: Nats;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  it("is waited for no longer than at the owner", async () => {
    await using opened = new AsyncDisposableStack();
    const nodes = await startClusterApps(nats, "slowbody", ["a", "b"], { CONNACK_BODY_TIMEOUT_MS: "300" });
    for (const { app } of nodes) opened.use(app);
    const owned = await Promise.all(
      nodes.map(async (node) => {
        const answer = await node.call("GET", "/readyz");
        return ((await answer.json()) as Standing).cluster.shards.owned;
      }),
    );
    const other = nodes[owned[0]?.includes(home) === true ? 1 : 0] ?? assert.fail();
    const started = new TextEncoder().encode('{"name": ');
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(started),
      cancel: () => void (cancelled = true),
    });
    const headers = {
      ...{ host: "127.0.0.1", authorization: `Bearer ${adminToken}` },
      ...{ "content-type": "application/json", "transfer-encoding": "chunked" },
    };
    const init = { method: "POST", headers, body, duplex: "half" as const };
    const answer = await other.app.fetch(new Request("http://127.0.0.1/tokens", init));
    assert.equal(answer.status, 408);
    assert.equal(((await answer.json()) as { readonly code: string }).code, "request-timeout");
    // Nothing of the call goes on.
    assert.equal(cancelled, true);
  });
});
