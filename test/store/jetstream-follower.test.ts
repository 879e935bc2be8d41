import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import * as fc from "fast-check";
import { patiently } from "../../src/cluster/patience.ts";
import { Image } from "../../src/store/image.ts";
import { followJetstream, type FollowerOptions } from "../../src/store/jetstream-follower.ts";
import { liveSubjectOf, openStream } from "../../src/store/jetstream-stream.ts";
import type { Change, Store } from "../../src/store/store.ts";
import { JetstreamPlace } from "../support/jetstream-place.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

const put = (key: string, value: string, space = "s"): Change => ({ type: "put", space, key, value });

type Read = Pick<Store, "records" | "spaces" | "entries" | "logs">;

async function contents(from: Read): Promise<unknown> {
  const [spaces, logs] = [await from.spaces(""), await from.logs("")];
  return {
    records: await Promise.all(spaces.map((space) => from.records(space, null, 1e6))),
    logs: await Promise.all(
      logs.map(async (log) => [log, await from.entries(log.name, log.trimmedThrough, 1e6)]),
    ),
  };
}

/** A follower with a connection of its own, and what its listener has made of what it was told. */
async function follow(nats: Nats, stream: string, options: Partial<FollowerOptions> = {}) {
  await using opened = new AsyncDisposableStack();
  const connection = await nats.connect();
  opened.defer(() => connection.close());
  const follower = opened.use(await followJetstream({ connection, stream, ...options }));
  const told = new Image();
  /** All values that the key "count" went through. */
  const counts: number[] = [];
  for (const space of await follower.spaces(""))
    for (const { key, value } of await follower.records(space, null, 1e6))
      told.apply(put(key, value, space), 0);
  follower.onChange((changes) => {
    for (const change of changes) {
      if (change.type === "put" || change.type === "delete" || change.type === "clear") told.apply(change, 0);
      if (change.type === "put" && change.key === "count") counts.push(Number(change.value));
    }
  });
  const scope = opened.move();
  const rest = { connection, told, counts, [Symbol.asyncDispose]: () => scope.disposeAsync() };
  return { follower, ...rest };
}

type Followed = Awaited<ReturnType<typeof follow>>;

async function assertSame({ follower, told, counts }: Followed, owner: Read): Promise<void> {
  await follower.caughtUp();
  assert.deepEqual(await contents(follower), await contents(owner));
  const all = await Promise.all((await owner.spaces("")).map((each) => owner.records(each, null, 1e6)));
  assert.deepEqual(
    told.spaces("").map((each) => told.records(each, null, 1e6)),
    all,
  );
  const inOrder = counts.toSorted((one, other) => one - other);
  assert.deepEqual(counts, inOrder);
}

const space = fc.constantFrom("a", "b");
const key = fc.constantFrom("1", "2", "3");
const log = fc.constantFrom("x", "y");
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    type: fc.constant("put" as const),
    space,
    key,
    value: fc.string({ maxLength: 20 }).filter((t) => !t.includes("\0")),
  }),
  fc.record({ type: fc.constant("delete" as const), space, key }),
  fc.record({ type: fc.constant("clear" as const), space }),
  fc.record({
    type: fc.constant("append" as const),
    logs: fc.uniqueArray(log, { minLength: 1 }),
    data: fc.string({ maxLength: 20 }),
  }),
  fc.record({ type: fc.constant("drop" as const), log }),
);
const groups = fc.array(fc.array(anyChange, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 20 });

describe("JetstreamFollower", () => {
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
    return JetstreamPlace.make(nats, `follow${count}`);
  };

  it("has what its owner has, whoever that is, from the middle on as well as from the beginning", async () => {
    await using own = await place();
    await using early = await follow(nats, own.name);
    const opened = { store: await own.store("n0"), count: 0 };
    let lease = await opened.store.acquire();
    await fc.assert(
      fc.asyncProperty(groups, fc.boolean(), async (commits, isNewOwner) => {
        if (isNewOwner) {
          opened.store = await own.store("n");
          lease = await opened.store.acquire();
        }
        await using late = await follow(nats, own.name);
        await Promise.all(
          commits.map((changes) => {
            opened.count += 1;
            return opened.store.commit(lease, [...changes, put("count", String(opened.count))]);
          }),
        );
        await assertSame(early, opened.store);
        await assertSame(late, opened.store);
      }),
      { numRuns: 15 },
    );
    // Of all commits: what one record has is told at once.
    assert.equal(early.counts.length, opened.count);
  });

  it("tells of a change without being asked, within milliseconds", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await using one = await follow(nats, own.name);
    const told = Promise.withResolvers<readonly Change[]>();
    one.follower.onChange(told.resolve);
    const since = performance.now();
    await store.commit(lease, [put("k", "1")]);
    assert.deepEqual(await told.promise, [put("k", "1")]);
    assert.ok(performance.now() - since < 500);
  });

  it("has had what was committed before it was asked, with each of many questions at once", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await using one = await follow(nats, own.name);
    let asked = 0;
    const spy = one.connection.request.bind(one.connection);
    one.connection.request = (subject, ...rest) => {
      if (/\.MSG\.GET\./.test(subject)) asked += 1;
      return spy(subject, ...rest);
    };
    let commits = 0;
    await Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let round = 0; round < 10; round += 1) {
          commits += 1;
          await store.commit(lease, [put(String(lane), String(round))]);
          await one.follower.caughtUp();
          assert.equal(await one.follower.get("s", String(lane)), String(round));
        }
      }),
    );
    assert.ok(asked < commits / 2, `${asked} questions`);
  });

  it("reads what it has not heard of", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await using one = await follow(nats, own.name, { compareEveryMs: 50 });
    // Nothing is told while this is so.
    await own.manager.streams.update(own.name, {
      republish: { src: `${own.name}.7.log`, dest: "elsewhere" },
    });
    const told = Promise.withResolvers<readonly Change[]>();
    one.follower.onChange(told.resolve);
    await store.commit(lease, [put("count", "1")]);
    await told.promise;
    const { epoch } = await openStream(
      own.manager,
      { name: own.name, replicas: 1, shards: 1 },
      () => "another",
    );
    assert.equal(epoch, `epoch-${own.name}`);
    await Promise.all([store.commit(lease, [put("count", "2")]), store.commit(lease, [put("x", "2")])]);
    await assertSame(one, store);
  });

  it("applies in order what it hears out of order, and what it hears twice once", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await using one = await follow(nats, own.name);
    const subject = liveSubjectOf(own.name);
    const heard: Msg[] = [];
    const listening = await nats.connect();
    listening.subscribe(subject, {
      callback: (_, message) => {
        heard.push(message);
      },
    });
    await listening.flush();
    for (let i = 1; i <= 5; i += 1) await store.commit(lease, [put("count", String(i))]);
    while (heard.length < 5) await listening.flush();
    await using other = await follow(nats, own.name);
    for (const { data, headers } of heard.toReversed())
      listening.publish(subject, data, { ...(headers && { headers }) });
    await listening.flush();
    await store.commit(lease, [put("count", "6")]);
    await assertSame(one, store);
    await assertSame(other, store);
    assert.deepEqual(one.counts, [1, 2, 3, 4, 5, 6]);
    await listening.close();
  });

  it("finds out by itself what it has missed while it was not connected", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await using one = await follow(nats, own.name, { compareEveryMs: 1e6 });
    await own.manager.streams.update(own.name, {
      republish: { src: `${own.name}.7.log`, dest: "elsewhere" },
    });
    const told = Promise.withResolvers<readonly Change[]>();
    one.follower.onChange(told.resolve);
    await store.commit(lease, [put("count", "1")]);
    await one.connection.reconnect();
    await told.promise;
    await assertSame(one, store);
  });

  it("goes on when what it has not seen is there no more, and tells what is different", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    await store.commit(lease, [put("gone", "1"), put("same", "1")]);
    await using one = await follow(nats, own.name, { compareEveryMs: 1e6 });
    await own.manager.streams.update(own.name, {
      republish: { src: `${own.name}.7.log`, dest: "elsewhere" },
    });
    await store.commit(lease, [{ type: "delete", space: "s", key: "gone" }]);
    for (let round = 0; round < 40; round += 1) {
      await store.commit(lease, [put(`k${round % 3}`, String(round).repeat(200_000))]);
    }
    await assertSame(one, store);
    await openStream(own.manager, { name: own.name, replicas: 1, shards: 1 }, () => "another");
    await store.commit(lease, [put("count", "1")]);
    await assertSame(one, store);
  });

  it("does not lose sight of a commit that came in pieces, of which it saw the first by reading", async () => {
    await using own = await place();
    const store = await own.store("a");
    const lease = await store.acquire();
    const large = "ä".repeat(3_000_000);
    const committed = Promise.all([
      store.commit(lease, [put("1", large)]),
      store.commit(lease, [put("2", large)]),
    ]);
    const followers = [];
    for (let i = 0; i < 4; i += 1) followers.push(await follow(nats, own.name));
    await committed;
    for (const one of followers) {
      await assertSame(one, store);
      await one[Symbol.asyncDispose]();
    }
  });
});

describe("JetstreamFollower, with servers that come and go", () => {
  it("says that it does not know, and knows again when they are back", async () => {
    await using nats = await startNats();
    await using own = await JetstreamPlace.make(nats, "away");
    const store = await own.store("a");
    const lease = await store.acquire();
    await store.commit(lease, [put("count", "1")]);
    let now = 0;
    await using one = await follow(nats, own.name, { compareEveryMs: 1e6, now: () => now });
    now = 100;
    assert.equal(one.follower.behindMs, 100);
    await nats.servers[0]?.kill();
    await assert.rejects(one.follower.caughtUp(AbortSignal.timeout(100)), {
      name: "StoreError",
      kind: "unavailable",
    });
    assert.equal(one.follower.behindMs, 100);
    assert.equal(await one.follower.get("s", "count"), "1");
    now = 2e6;
    assert.equal(one.follower.isFresh, false);
    const told = Promise.withResolvers<readonly Change[]>();
    one.follower.onChange(told.resolve);
    const committed = store.commit(lease, [put("count", "2")]);
    await nats.servers[0]?.start();
    await committed;
    // Without being asked: it has connected again.
    await told.promise;
    await assertSame(one, store);
    assert.equal(one.follower.isFresh, true);
  });

  it("follows through the loss of the leader, and a change of owner", async () => {
    await using nats = await startNats({ servers: 3 });
    await using own = await JetstreamPlace.make(nats, "three");
    await using one = await follow(nats, own.name, { compareEveryMs: 500 });
    await using two = await follow(nats, own.name, { compareEveryMs: 500 });
    let store = await own.store("a");
    let lease = await store.acquire();
    let count = 0;
    const load = async (commits: number) => {
      for (let i = 0; i < commits; i += 1) {
        count += 1;
        const key = `k${count % 7}`;
        const change: Change =
          count % 5 === 0 ? { type: "delete", space: "s", key } : put(key, String(count));
        await store.commit(lease, [put("count", String(count)), change]).catch(() => {
          // The store does not wait for an election; what became of it is seen in the end.
        });
      }
    };
    await load(100);
    const { cluster } = await own.manager.streams.info(own.name);
    const loading = load(100);
    await nats.server(cluster?.leader ?? "").kill();
    await loading;
    store = await own.store("b");
    lease = await store.acquire();
    await load(100);
    // A question that was put during the election may be under way still, and fail.
    const now = () => performance.now();
    await patiently(() => assertSame(one, store), now);
    await patiently(() => assertSame(two, store), now);
    assert.equal(await one.follower.get("s", "count"), String(count));
  });
});
