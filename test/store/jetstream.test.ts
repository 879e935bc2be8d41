import assert from "node:assert/strict";
import { jetstream } from "@nats-io/jetstream";
import { StoreError, type Change, type Lease, type Store } from "../../src/store/store.ts";
import { describeStore } from "../contract/store.ts";
import { JetstreamPlace } from "../support/jetstream-place.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

const isKind = (kind: StoreError["kind"]) => (error: unknown) =>
  error instanceof StoreError && error.kind === kind;
const put = (key: string, value: string): Change => ({ type: "put", space: "s", key, value });
const append = (data: string, ...logs: string[]): Change => ({ type: "append", logs, data });

/** All that a store has, as it is read. */
async function contents(store: Store): Promise<unknown> {
  const spaces = await store.spaces("");
  const logs = await store.logs("");
  return {
    records: await Promise.all(spaces.map((space) => store.records(space, null, 1e6))),
    logs: await Promise.all(
      logs.map(async (log) => [log, await store.entries(log.name, log.trimmedThrough, 1e6)]),
    ),
  };
}

describe("JetstreamStore", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  const place = () => {
    count += 1;
    return JetstreamPlace.make(nats, `store${count}`);
  };

  describeStore("jetstream", async () => {
    const own = await place();
    const store = await own.store("a");
    return { store, lease: await store.acquire(), [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
  });

  it("gives whoever takes over all that was kept, under the same positions", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease = await a.acquire();
    const positions = await a.commit(lease, [
      put("k", "ö\u{1f600}"),
      append("1", "x", "y"),
      append("2", "y"),
    ]);
    await a.commit(lease, [append("3", "x"), { type: "trim", log: "y", through: positions[0] ?? 0 }]);
    const b = await own.store("b");
    const newer = await b.acquire();
    assert.deepEqual(await contents(b), await contents(a));
    const [next = 0] = await b.commit(newer, [append("4", "x")]);
    assert.ok(next > (positions[1] ?? 0));
    assert.equal(b.epoch, a.epoch);
  });

  it("lets an owner of before write nothing, and says so to it once", async () => {
    await using own = await place();
    let lost = 0;
    const a = await own.store("a", { onLost: () => (lost += 1) });
    const lease = await a.acquire();
    await a.commit(lease, [put("k", "a")]);
    const b = await own.store("b");
    const newer = await b.acquire();
    const late = await Promise.allSettled([
      a.commit(lease, [put("k", "zombie")]),
      a.commit(lease, [put("k2", "zombie")]),
    ]);
    for (const each of late) assert.ok(each.status === "rejected" && isKind("fenced")(each.reason));
    await assert.rejects(a.commit(lease, [put("k", "zombie")]), isKind("fenced"));
    assert.equal(lost, 1);
    assert.equal(a.health.state, "away");
    await b.commit(newer, [put("k3", "b")]);
    const c = await own.store("c");
    await c.acquire();
    assert.deepEqual(await contents(c), await contents(b));
    assert.equal(await c.get("s", "k"), "a");
  });

  it("is one node's alone, however many take it at the same moment", async () => {
    await using own = await place();
    for (let round = 0; round < 10; round += 1) {
      const names = ["a", "b", "c"].map((name) => `${name}${round}`);
      const last = (await (await own.store("look")).acquire()).token;
      const stores = await Promise.all(names.map((name) => own.store(name, { claimAfter: Number(last) })));
      const taken = await Promise.allSettled(stores.map((store) => store.acquire()));
      assert.equal(taken.filter(({ status }) => status === "fulfilled").length, 1);
      for (const each of taken) assert.ok(each.status === "fulfilled" || isKind("fenced")(each.reason));
    }
  });

  it("keeps a commit that is larger than what the servers take at once", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease = await a.acquire();
    const large = "ä".repeat(3_000_000);
    await Promise.all([
      a.commit(lease, [put("1", large), append(large, "x")]),
      a.commit(lease, [put("2", "small")]),
    ]);
    const b = await own.store("b");
    await b.acquire();
    assert.equal(await b.get("s", "1"), large);
    assert.deepEqual(await contents(b), await contents(a));
  });

  it("does not take for kept what was cut off in the middle", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease = await a.acquire();
    await a.commit(lease, [put("before", "1")]);
    // The servers take the first piece and no more.
    const info = await own.manager.streams.info(own.name);
    await own.manager.streams.update(own.name, { max_bytes: info.state.bytes + 1_500_000 });
    await assert.rejects(a.commit(lease, [put("large", "x".repeat(4_000_000))]), isKind("full"));
    await own.manager.streams.update(own.name, { max_bytes: -1 });
    await a.commit(lease, [put("after", "2")]);
    const b = await own.store("b");
    await b.acquire();
    assert.deepEqual(await contents(b), await contents(a));
    assert.deepEqual(
      (await b.records("s", null, 10)).map(({ key }) => key),
      ["after", "before"],
    );
  });

  it("replaces its records by what they leave behind, so that they do not grow for ever", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease = await a.acquire();
    const bytes = async () => (await own.manager.streams.info(own.name)).state.bytes;
    let most = 0;
    for (let round = 0; round < 60; round += 1) {
      const logs = [`l${round % 7}`, "all"];
      const [position = 0] = await a.commit(lease, [
        put(`k${round % 5}`, "v".repeat(400_000)),
        append("e".repeat(100), ...logs),
      ]);
      await a.commit(lease, [{ type: "trim", log: `l${(round + 3) % 7}`, through: position }]);
      most = Math.max(most, await bytes());
    }
    assert.ok(most < 16_000_000, `${most} bytes`);
    const b = await own.store("b");
    const newer = await b.acquire();
    assert.deepEqual(await contents(b), await contents(a));
    await b.commit(newer, [put("k1", "w"), append("last", "all")]);
    const c = await own.store("c");
    await c.acquire();
    assert.deepEqual(await contents(c), await contents(b));
  });

  it("reads a snapshot between whose pieces another one's are, of an owner that did not know yet that it was none", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease = await a.acquire();
    const { connection: other } = await own.store("other");
    const subject = `${own.name}.0.snap`;
    const over = new AbortController();
    const zombie = (async () => {
      while (!over.signal.aborted) await jetstream(other).publish(subject, "a piece of something else");
    })();
    const isNamed = async () => {
      const last = await own.manager.streams.getMessage(own.name, { last_by_subj: `${own.name}.0.log` });
      return last?.header.get("Connack-Kind") === "snapshot";
    };
    for (let round = 0; round < 12; round += 1)
      await a.commit(lease, [put(`k${round}`, "v".repeat(400_000)), append("e", "x")]);
    while (!(await isNamed())) await new Promise(setImmediate);
    over.abort();
    await zombie;
    const b = await own.store("b");
    await b.acquire();
    assert.deepEqual(await contents(b), await contents(a));
  });

  it("refuses what needs room when it is full, and takes what makes some", async () => {
    await using own = await place();
    const a = await own.store("a", { maxBytes: 10_000 });
    const lease = await a.acquire();
    await a.commit(lease, [put("k", "v".repeat(11_000))]);
    assert.equal(a.health.state, "full");
    await assert.rejects(a.commit(lease, [put("l", "1")]), isKind("full"));
    await a.commit(lease, [{ type: "delete", space: "s", key: "k" }]);
    assert.equal(a.health.state, "open");
    await a.commit(lease, [put("l", "1")]);
  });

  it("lets go at its end, so that others need not wait", async () => {
    await using own = await place();
    const a = await own.store("a");
    const lease: Lease = await a.acquire();
    await a.commit(lease, [put("k", "1")]);
    await a[Symbol.asyncDispose]();
    const subject = `${own.name}.0.log`;
    const last = await own.manager.streams.getMessage(own.name, { last_by_subj: subject });
    assert.equal(last?.header.get("Connack-Kind"), "release");
  });
});

describe("JetstreamStore, with its servers away", () => {
  it("waits for what is under way, refuses more, and tells what became of it", async () => {
    await using nats = await startNats();
    await using own = await JetstreamPlace.make(nats, "away");
    const a = await own.store("a");
    const lease = await a.acquire();
    await a.commit(lease, [put("k", "1")]);
    const away = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    a.onHealth(() => (a.health.state === "away" ? away : open).resolve());
    await nats.servers[0]?.kill();
    const undecided = a.commit(lease, [put("k", "2"), append("2", "x")]);
    await away.promise;
    await assert.rejects(a.commit(lease, [put("k", "3")]), isKind("unavailable"));
    await nats.servers[0]?.start();
    const [position] = await undecided;
    await open.promise;
    await a.commit(lease, [put("after", "4")]);
    const b = await own.store("b");
    await b.acquire();
    assert.deepEqual(await contents(b), await contents(a));
    assert.deepEqual(await b.entries("x", 0, 10), [{ position, data: "2" }]);
  });
});
