import assert from "node:assert/strict";
import {
  acknowledged,
  acknowledgements,
  durableScene,
  logged,
  type DurableScene,
} from "../support/durable-scene.ts";
import { message } from "../support/publish-scripts.ts";
import type { RiggedStore, Which } from "../support/rigged-store.ts";
import { describe, it } from "../support/test.ts";

/** A commit that removes the record of `home`. */
const isRemoval: Which = (changes) =>
  changes.some(
    (change) => change.type === "delete" && change.space === "connections" && change.key === "home",
  );

/** `home` with a message of each kind that is kept: one in the log, one not released, one queued and under way. */
async function filled({ app, peer, store }: DurableScene): Promise<void> {
  peer.send(message("t", "m", { qos: 1, messageId: 1 }));
  await peer.next("puback");
  peer.send(message("t", "unreleased", { qos: 2, messageId: 2 }));
  await peer.next("pubrec");
  const queued = await app.call("POST", "/connections/home/publish?topic=q&queue=3600&qos=1", "queued");
  assert.equal(queued.status, 202, queued.text);
  await peer.next("publish");
  assert.ok((await store.disk.records("connections", null, 10)).length === 1);
}

/** Spaces and logs of `home` in which something is. */
async function leftOf(store: RiggedStore): Promise<string[]> {
  const left: string[] = [];
  for (const space of store.seenSpaces)
    if (/^(incoming|outbox)\/home/.test(space) && (await store.disk.records(space, null, 10)).length > 0)
      left.push(space);
  if ((await store.disk.get("connections", "home")) !== null) left.push("the record");
  for (const { name } of await store.disk.logs("")) if (name.includes("/home")) left.push(name);
  return left;
}

describe("S60: DELETE when the process dies", () => {
  it("before it is kept: the connection comes back, with all that it had", async () => {
    await using scene = await durableScene();
    await filled(scene);
    const held = scene.store.hold("before", isRemoval);
    const call = scene.app.call("DELETE", "/connections/home");
    await held;
    const { app, peer } = await scene.crash();
    assert.deepEqual(await logged(app), ["m"]);
    assert.equal((await peer.next("publish")).payload.toString(), "queued");
    peer.send({ cmd: "pubrel", messageId: 2 });
    await peer.next("pubcomp");
    assert.deepEqual(await logged(app), ["m", "unreleased"]);
    await call;
  });

  it("that fails: what came meanwhile is kept then", async () => {
    await using scene = await durableScene();
    const { app, peer, store } = scene;
    const removal = store.hold("before", isRemoval);
    const call = app.call("DELETE", "/connections/home");
    const held = await removal;
    peer.send(message("t", "meanwhile", { qos: 1, messageId: 1 }));
    assert.deepEqual(await acknowledgements(app, peer), []);
    held.fail("unavailable");
    assert.equal((await call).status, 503);
    await peer.next("puback");
    assert.deepEqual(await logged(app), ["meanwhile"]);
  });

  for (const [when, gate] of [
    ["before it is answered", "after"],
    ["before all has been cleaned up", "before"],
  ] as const)
    it(`${when}: the connection stays away, and nothing of it is left`, async () => {
      await using scene = await durableScene();
      await filled(scene);
      const { app, peer, store } = scene;
      const first = store.hold("after", isRemoval);
      const call = app.call("DELETE", "/connections/home");
      const removed = await first;
      if (gate === "before") {
        const last = store.hold("before", isRemoval);
        removed.release();
        // While it drains, what the broker acknowledges has a fate, and what it sends is its own.
        peer.send(message("t", "late", { qos: 2, messageId: 3 }));
        peer.send(message("t", "later", { qos: 1, messageId: 4 }));
        const { messageId = 0 } = peer.received.findLast((packet) => packet.cmd === "publish") ?? {};
        peer.send({ cmd: "puback", messageId });
        await last;
        await peer.closed;
        assert.deepEqual(acknowledged(peer), ["puback 1", "pubrec 2"]);
      }
      const next = await scene.restart();
      assert.equal((await next.call("GET", "/connections/home")).status, 404);
      const again = await next.call("PUT", "/connections/home", {
        url: scene.broker.url,
        log: { durable: true },
      });
      assert.equal(again.status, 201, again.text);
      assert.deepEqual((await next.call("GET", "/connections/home/outbox")).body.items, []);
      const third = await scene.restart();
      assert.deepEqual((await third.call("GET", "/connections/home/outbox")).body.items, []);
      assert.deepEqual(await logged(third), []);
      await third.call("DELETE", "/connections/home?force=true");
      assert.deepEqual(await leftOf(store), []);
      await call;
    });
});
