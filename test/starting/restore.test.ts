import assert from "node:assert/strict";
import { openStore } from "../../src/store/open.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { durablePlace } from "../support/durable-app.ts";
import { GatedStore, thirdPage } from "../support/gated-store.ts";
import { assertProblem } from "../support/invariants.ts";
import { storeConnections } from "../support/many-connections.ts";
import { startScriptedBroker, type Script } from "../support/scripted-broker.ts";
import { startOpening } from "../support/starting.ts";
import { describe, it } from "../support/test.ts";

const count = 2_000;

/** Accepts who comes first, and refuses those that come back. */
const firstAlone: Script = (peer) => (peer.number === 1 ? accepts() : refuses(0x87))(peer);

/** So many connections in a store, which is being opened, and of which the last two pages are held up. */
async function scene(script: Script, connections: number = count) {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await startScriptedBroker(script));
  const place = opened.use(durablePlace());
  await storeConnections(place, broker.url, connections);
  const setting = { kind: "sqlite", file: place.file } as const;
  const store = new GatedStore(await openStore(setting, 1e9), thirdPage);
  const starting = opened.use(startOpening(place.environment, { openStore: async () => store }));
  const all = opened.move();
  return { broker, place, store, starting, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

describe("while connections are brought back", () => {
  it("readyz tells how many, and then how many have been dialled", async () => {
    const { promise: dialled, resolve: dial } = Promise.withResolvers<void>();
    await using here = await scene(async (peer) => {
      if (peer.number > 50) await dialled;
      await firstAlone(peer);
    });
    const { starting, store, broker } = here;
    // Two pages of 500 have been read, and nothing of their logs: half of the way.
    const held = await starting.progress((progress) => progress?.done === 500);
    assert.deepEqual(held, { task: "restore", done: 500, total: count });
    assert.equal(broker.peers.length, 1);
    store.letGo();
    await starting.opened;
    const during = await starting.progress((progress) => progress?.task === "dial" && progress.done >= 40);
    assert.equal(during.total, count);
    const ready = await starting.call("GET", "/readyz");
    assert.equal(ready.status, 503);
    assert.equal(ready.body.restoring, count - ready.body.progress.done);
    // Calls are taken meanwhile.
    assert.equal((await starting.call("GET", "/connections/c1999")).status, 200);
    dial();
    await starting.progress((progress) => progress === null);
    const over = await starting.call("GET", "/readyz");
    assert.deepEqual([over.status, over.body.restoring, over.body.connections.failed], [200, 0, count]);
  });

  it("no call is lost in the change-over: each is told to come again, or is answered", async () => {
    await using here = await scene(accepts(), 1_200);
    const { starting, store } = here;
    let answered = 0;
    const { promise: busy, resolve: isBusy } = Promise.withResolvers<void>();
    const callers = [
      ["GET", "/connections/c7"],
      ["GET", "/connections?limit=1"],
      ["PATCH", "/connections/c7"],
      ["POST", "/connections/c7/ping"],
      ["GET", "/version"],
      ["GET", "/connections/c7/messages"],
    ] as const;
    const call = async ([method, path]: (typeof callers)[number]) => {
      let tries = 0;
      for (let open = 0; open < 20; tries += 1) {
        const answer = await starting.call(method, path, method === "GET" ? undefined : {});
        answered += 1;
        if (answered === 50) isBusy();
        if (answer.body.code === "starting") {
          assertProblem(answer, 503, "starting");
          // Whoever was answered once is not told any more that it starts.
          assert.equal(open, 0);
        } else {
          open += 1;
          const isUp = path === "/connections/c7/ping" && [502, 503, 409].includes(answer.status);
          const isUnknown = method === "PATCH" && answer.status === 405;
          assert.ok(answer.status === 200 || isUp || isUnknown, answer.text);
        }
      }
      return tries;
    };
    await starting.progress((progress) => progress?.task === "restore");
    const all = Promise.all(callers.map(call));
    await busy;
    store.letGo();
    assert.ok((await all).every((tries) => tries > 20));
    await starting.opened;
  });

  it("a stop ends it soon, and nothing is dialled", async () => {
    await using here = await scene(firstAlone);
    const { starting, store, broker } = here;
    await starting.progress((progress) => progress?.done === 500);
    const closed = starting.app.close();
    store.letGo();
    await closed;
    await assert.rejects(starting.opened, /has been closed/);
    assert.equal(broker.peers.length, 1);
  });
});
