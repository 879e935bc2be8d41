import assert from "node:assert/strict";
import { acknowledgements, durableScene, isMessage, logged } from "../support/durable-scene.ts";
import { message } from "../support/publish-scripts.ts";
import { describe, it } from "../support/test.ts";

describe("a slow store", () => {
  it("holds up acknowledgements and nothing else; they go out in order when it has caught up", async () => {
    await using scene = await durableScene({ keepAlive: 1 });
    const { app, peer, store } = scene;
    const first = store.hold("before", isMessage);
    peer.send(message("t", "m1", { qos: 1, messageId: 1 }));
    const held = await first;
    peer.send(message("t", "m2", { qos: 2, messageId: 2 }));
    peer.send(message("t", "m3", { qos: 1, messageId: 3 }));
    peer.send(message("t", "m4", { qos: 0 }));
    peer.send(message("t", "m5", { qos: 1, messageId: 4 }));
    // Longer than what the broker would wait for a client that is silent: 1.5 times its keep alive.
    const pinged = Promise.withResolvers<void>();
    let pings = 0;
    peer.answer("pingreq", () => {
      peer.send({ cmd: "pingresp" });
      pings += 1;
      if (pings === 3) pinged.resolve();
    });
    await pinged.promise;
    assert.deepEqual(await acknowledgements(app, peer), []);
    assert.deepEqual(await logged(app), []);
    const view = await app.call("GET", "/connections/home");
    assert.equal(view.body.state, "connected");
    assert.equal(view.body.counters.connects, 1);
    held.release();
    while ((await peer.next()).messageId !== 4);
    assert.deepEqual(await acknowledgements(app, peer), ["puback 1", "pubrec 2", "puback 3", "puback 4"]);
    assert.deepEqual(await logged(app), ["m1", "m3", "m4", "m5"]);
    peer.send({ cmd: "pubrel", messageId: 2 });
    await peer.next("pubcomp");
    assert.deepEqual(await logged(app), ["m1", "m3", "m4", "m5", "m2"]);
  });

  it("keeps nobody waiting who needs nothing kept", async () => {
    await using scene = await durableScene();
    const { app, peer, store, broker } = scene;
    const plain = { url: broker.url, durable: false };
    assert.equal((await app.call("PUT", "/connections/plain", plain)).status, 201);
    const other = await broker.connection(2);
    const first = store.hold("before", isMessage);
    peer.send(message("t", "held", { qos: 1, messageId: 1 }));
    const held = await first;
    other.send(message("t", "m", { qos: 1, messageId: 9 }));
    assert.equal((await other.next("puback")).messageId, 9);
    const { body } = await app.call("GET", "/connections/plain/messages");
    assert.equal(body.items[0].payload, "m");
    // A call at the connection that waits, too: what it needs is the broker.
    other.answer("publish", ({ messageId = 0 }) => other.send({ cmd: "puback", messageId }));
    peer.answer("publish", ({ messageId = 0 }) => peer.send({ cmd: "puback", messageId }));
    for (const id of ["plain", "home"])
      assert.equal((await app.call("POST", `/connections/${id}/publish?topic=x&qos=1`, "p")).status, 200);
    held.release();
    await peer.next("puback");
  });
});
