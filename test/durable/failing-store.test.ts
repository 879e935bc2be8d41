import assert from "node:assert/strict";
import type { TestApp } from "../support/app.ts";
import { inState } from "../support/durable-app.ts";
import { durableScene, logged } from "../support/durable-scene.ts";
import { message } from "../support/publish-scripts.ts";
import { describe, it } from "../support/test.ts";

const cases = [
  { refusal: "unavailable", code: "store-unavailable", state: "away", status: 503 },
  { refusal: "full", code: "store-full", state: "full", status: 507 },
] as const;

const bystander = { durable: false };

async function types(app: TestApp): Promise<string[]> {
  const { body } = await app.call("GET", "/connections/home/events?format=json&limit=1000&after=earliest");
  return body.items.map(({ type }: { type: string }) => type);
}

for (const { refusal, code, state, status } of cases) {
  describe(`S63: a store that is ${state}`, () => {
    it("has the broker keep what it sends, which comes when the store is well again", async () => {
      await using scene = await durableScene();
      const { app, peer, store, broker } = scene;
      const other = await app.call("PUT", "/connections/other", { url: broker.url, ...bystander });
      assert.equal(other.status, 201, other.text);
      store.refuse(refusal);
      peer.send(message("t", "m", { qos: 1, messageId: 1 }));
      peer.send(message("t", "n", { qos: 2, messageId: 2 }));
      await peer.closed;
      const view = await inState(app, "home", "waiting");
      assert.equal(view.lastError.code, code);
      assert.ok(
        !peer.received.some(({ cmd }) => cmd === "puback" || cmd === "pubrec" || cmd === "disconnect"),
      );
      assert.deepEqual(await logged(app), []);
      const ready = await app.call("GET", "/readyz");
      assert.equal(ready.status, 503);
      assert.equal(ready.body.store.state, state);
      assert.equal((await app.call("GET", "/healthz")).status, 200);

      store.refuse(null);
      const again = await broker.connection(3);
      assert.equal((await app.call("GET", "/readyz")).status, 200);
      await inState(app, "home", "connected");
      again.send(message("t", "m", { qos: 1, messageId: 1, dup: true }));
      again.send(message("t", "n", { qos: 2, messageId: 2, dup: true }));
      await again.next("pubrec");
      again.send({ cmd: "pubrel", messageId: 2 });
      await again.next("pubcomp");
      assert.deepEqual(await logged(app), ["m", "n"]);
      const undisturbed = await app.call("GET", "/connections/other");
      assert.equal(undisturbed.body.version, other.body.version);
    });

    it("lets events wait, which come in order", async () => {
      await using scene = await durableScene();
      const { app, peer, store, broker } = scene;
      const before = await types(app);
      assert.deepEqual(before, ["connecting", "connected"]);
      await using stream = await app.events("/connections/home/events?lastEventId=earliest");
      store.refuse(refusal);
      peer.send(message("t", "m", { qos: 1, messageId: 1 }));
      await peer.closed;
      await inState(app, "home", "waiting");
      assert.deepEqual(await types(app), before);
      store.refuse(null);
      await broker.connection(2);
      await inState(app, "home", "connected");
      while ((await stream.next("connected")).data.attempt === 1);
      const seen = stream.seen.filter(({ id }) => id !== undefined).map(({ type }) => type);
      assert.deepEqual(seen.slice(-5), ["connected", "disconnected", "waiting", "connecting", "connected"]);
      assert.deepEqual(
        await types(app),
        seen.filter((type) => type !== "snapshot"),
      );
    });

    it("refuses what is to be durable, of which nothing is left, and nothing else", async () => {
      await using scene = await durableScene();
      const { app, store, broker } = scene;
      assert.equal((await app.call("PUT", "/connections/other", { url: broker.url })).status, 201);
      store.refuse(refusal);
      for (const [method, path, body] of [
        ["PUT", "/connections/new", { url: broker.url }],
        ["PUT", "/connections/new?wait=0", { url: broker.url }],
        ["POST", "/connections", { id: "new", url: broker.url, durable: true }],
      ] as const) {
        const refused = await app.call(method, path, body);
        assert.equal(refused.status, status, refused.text);
        assert.equal(refused.body.code, code);
        assert.ok(refused.headers.has("retry-after"));
        assert.equal((await app.call("GET", "/connections/new")).status, 404);
      }
      const changed = await app.call("PUT", "/connections/other", { url: broker.url, labels: { a: "b" } });
      assert.equal(changed.status, status, changed.text);
      assert.deepEqual((await app.call("GET", "/connections/other")).body.request.labels, {});
      const plain = await app.call("PUT", "/connections/plain", { url: broker.url, durable: false });
      assert.equal(plain.status, 201, plain.text);
      const queued = await app.call("POST", "/connections/home/publish?topic=t&queue=60&qos=1", "p");
      assert.equal(queued.status, status, queued.text);
      // What frees room is done while it is full; while it is away it might come back.
      const gone = await app.call("DELETE", "/connections/other");
      assert.equal(gone.status, refusal === "full" ? 200 : 503, gone.text);
      const left = await app.call("GET", "/connections/other");
      assert.equal(left.status, refusal === "full" ? 404 : 200);
      store.refuse(null);
      const { body } = await app.call("GET", "/connections/home/outbox");
      assert.deepEqual(body.items, []);
      const { app: next } = await scene.crash();
      const list = await next.call("GET", "/connections");
      const ids = list.body.items.map(({ id }: { id: string }) => id);
      assert.deepEqual(ids, refusal === "full" ? ["home"] : ["home", "other"]);
    });
  });
}
