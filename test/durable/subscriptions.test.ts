import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { inState } from "../support/durable-app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { RiggedStore } from "../support/rigged-store.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { leavesSubscribing } from "../support/subscribe-scripts.ts";
import { describe, it } from "../support/test.ts";

interface Scene {
  readonly broker: ScriptedBroker;
  readonly store: RiggedStore;
  readonly app: TestApp;
  /** The broker's side, where a test answers SUBSCRIBE and UNSUBSCRIBE itself from now on. */
  readonly peer: ScriptedPeer;
}

/** A connection whose broker is silent is not waited for. */
const brief = { CONNACK_SHUTDOWN_GRACE_MS: "100" };
const path = "/connections/home/subscriptions";

/** A connection with one subscription that was granted; the broker keeps its session. */
function scene(name: string, body: (scene: Scene) => Promise<void>): void {
  it(name, async () => {
    await using broker = await startScriptedBroker((peer) =>
      peer.number === 1 ? accepts()(peer) : leavesSubscribing({ sessionPresent: true })(peer),
    );
    const store = new RiggedStore();
    await using app = await startApp(brief, { store });
    const request = {
      url: broker.url,
      cleanStart: false,
      properties: { sessionExpiryInterval: 3_600 },
      reconnect: { minDelayMs: 60_000 },
    };
    assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
    assert.equal((await app.call("POST", path, { topicFilter: "a", qos: 2 })).status, 201);
    const peer = await broker.connection(1);
    peer.answer("subscribe", () => {});
    peer.answer("unsubscribe", () => {});
    await body({ broker, store, app, peer });
  });
}

/** Resolves when the broker has got such a packet. */
async function got(peer: ScriptedPeer, cmd: "subscribe" | "unsubscribe"): Promise<void> {
  await new Promise<void>((resolve) => peer.answer(cmd, () => resolve()));
}

/** The process dies now, and another one goes on; with what it sends to the broker. */
async function crash(
  { broker, store, app, peer }: Scene,
  body: (app: TestApp, peer: ScriptedPeer) => Promise<void>,
) {
  store.crash();
  peer.reset();
  await using next = await startApp(brief, { store: new RiggedStore(store) });
  await inState(next, "home", "connected");
  await body(next, await broker.connection(2));
  await app.stop();
}

const listed = async (app: TestApp) =>
  (await app.call("GET", path)).body.items.map(
    ({ topicFilter, qos }: { topicFilter: string; qos: number }) => `${topicFilter} ${qos}`,
  );

describe("a durable subscription, when the process dies", () => {
  scene("while it is removed: is made again, for the broker may not have it any more", async (all) => {
    const gone = got(all.peer, "unsubscribe");
    const call = all.app.call("DELETE", `${path}/a`);
    await gone;
    await crash(all, async (app, peer) => {
      assert.equal((await peer.next("subscribe")).subscriptions[0]?.topic, "a");
      assert.deepEqual(await listed(app), ["a 2"]);
    });
    await call;
  });

  scene("while it is changed: is made again as it was promised", async (all) => {
    const changed = got(all.peer, "subscribe");
    const call = all.app.call("POST", path, { topicFilter: "a", qos: 0 });
    await changed;
    await crash(all, async (app, peer) => {
      assert.equal((await peer.next("subscribe")).subscriptions[0]?.qos, 2);
      assert.deepEqual(await listed(app), ["a 2"]);
    });
    await call;
  });

  scene("while it is added: is taken back, for nobody was told of it", async (all) => {
    const added = got(all.peer, "subscribe");
    const call = all.app.call("POST", path, { topicFilter: "b", qos: 1 });
    await added;
    await crash(all, async (app, peer) => {
      assert.deepEqual((await peer.next("unsubscribe")).unsubscriptions, ["b"]);
      assert.deepEqual(await listed(app), ["a 2"]);
    });
    await call;
  });

  scene("while a call reads by it: is taken back, for nobody reads any more", async (all) => {
    all.peer.answer("subscribe", ({ messageId = 0 }) =>
      all.peer.send({ cmd: "suback", messageId, granted: [0] }),
    );
    await using reader = await all.app.events("/connections/home/messages?subscribe=c&format=sse");
    await crash(all, async (app, peer) => {
      assert.deepEqual((await peer.next("unsubscribe")).unsubscriptions, ["c"]);
      assert.deepEqual(await listed(app), ["a 2"]);
    });
    reader.close();
  });

  scene(
    "nothing is sent to the broker that is not kept, and all is as it was",
    async ({ app, store, peer }) => {
      store.refuse("full");
      for (const [method, where, body] of [
        ["DELETE", `${path}/a`, undefined],
        ["POST", path, { topicFilter: "a", qos: 0 }],
        ["POST", path, { topicFilter: "b", qos: 1 }],
      ] as const)
        assert.equal((await app.call(method, where, body)).status, 507);
      const sent = peer.received.filter(({ cmd }) => cmd === "subscribe" || cmd === "unsubscribe");
      assert.equal(sent.length, 1);
      const { body } = await app.call("GET", path);
      assert.deepEqual(
        body.items.map(({ topicFilter, grantedQos }: Record<string, unknown>) => [topicFilter, grantedQos]),
        [["a", 2]],
      );
      store.refuse(null);
    },
  );
});

describe("a subscription", () => {
  scene("that is not in the request which takes its place is taken back", async ({ app, broker }) => {
    const request = {
      url: broker.url,
      cleanStart: false,
      properties: { sessionExpiryInterval: 3_600 },
      subscriptions: [{ topicFilter: "b", qos: 1 }],
    };
    const put = app.call("PUT", "/connections/home", request);
    const next = await broker.connection(2);
    assert.deepEqual((await next.next("unsubscribe")).unsubscriptions, ["a"]);
    assert.equal((await next.next("subscribe")).subscriptions[0]?.topic, "b");
    assert.equal((await put).status, 200);
    assert.deepEqual(await listed(app), ["b 1"]);
  });
});
