import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, sendConnack } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const request = (url: string) => ({ id: "a", url, subscriptions: [{ topicFilter: "t", qos: 1 }] });

describe("DELETE /connections/{id}?drainMs=", () => {
  it("waits for what is in flight, and says that it was acknowledged", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
      const { messageId } = await peer.next("subscribe");
      // Acknowledged only when the DELETE waits for it.
      app.call("DELETE", "/connections/a").then(deleted.resolve, deleted.reject);
      await events.next("closing");
      peer.send({ cmd: "suback", messageId: messageId ?? 0, granted: [1] });
      await peer.next("disconnect");
      peer.end();
    });
    const deleted = Promise.withResolvers<Awaited<ReturnType<typeof app.call>>>();
    await using app = await startApp();
    await using events = await app.events("/events");
    await app.open(request(broker.url));
    const { status, body } = await deleted.promise;
    assert.equal(status, 200);
    assert.deepEqual([body.drained, body.unacknowledged], [true, 0]);
  });

  it("says what was not acknowledged when the time is over", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
      await peer.next("subscribe");
      subscribed.resolve();
      await peer.next("disconnect");
      peer.end();
    });
    const subscribed = Promise.withResolvers<void>();
    await using app = await startApp();
    await app.open(request(broker.url));
    await subscribed.promise;
    const { body } = await app.call("DELETE", "/connections/a?drainMs=50");
    assert.deepEqual([body.drained, body.unacknowledged, body.state], [false, 1, "closed"]);
  });

  it("has nothing to wait for on an idle connection", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await app.open({ id: "a", url: broker.url });
    const { body } = await app.call("DELETE", "/connections/a");
    assert.deepEqual([body.drained, body.unacknowledged], [true, 0]);
  });
});
