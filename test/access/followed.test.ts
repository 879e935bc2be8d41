import assert from "node:assert/strict";
import { Access } from "../../src/access/access.ts";
import { Followed, type FollowedDeps } from "../../src/access/followed.ts";
import type { Principal } from "../../src/access/principal.ts";
import { Problem } from "../../src/problem.ts";
import { Secret } from "../../src/secret.ts";
import type { Change } from "../../src/store/store.ts";
import { adminToken, quiet, request } from "../support/access.ts";
import { FollowedStore } from "../support/followed-store.ts";
import { describe, it } from "../support/test.ts";

interface SceneOptions extends Partial<FollowedDeps> {
  readonly admin?: string | null;
  readonly wall?: () => number;
}

/** Who owns the tokens, and who follows. */
async function scene({ admin = adminToken, wall = Date.now, ...more }: SceneOptions = {}) {
  const opened = new AsyncDisposableStack();
  const store = new FollowedStore("epoch");
  const lease = await store.acquire();
  const clock = { wall, monotonic: () => performance.now() };
  const common = { logger: quiet, adminToken: admin === null ? null : new Secret(admin), foreign: null };
  const startOwner = async (adminText = admin) =>
    opened.use(
      await Access.start({
        ...{
          ...common,
          store,
          lease,
          clock,
          maxTokens: 1_000,
          tenantMaxTokens: 1_000,
          home: { heardUses: () => () => {} },
        },
        adminToken: adminText === null ? null : new Secret(adminText),
      }),
    );
  const startFollower = async (fields: Partial<FollowedDeps> = {}) => {
    const deps = { ...common, following: store.follow(), clock, takesForeign: false, ...more, ...fields };
    const followed = opened.use(await Followed.start(deps));
    return opened.use(Access.follow({ ...common, followed }));
  };
  const owner = await startOwner();
  const follower = await startFollower();
  const rest = { startOwner, startFollower, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  return { store, lease, owner, follower, ...rest };
}

const create = async (access: Access, fields: object = {}) => {
  const { view, token } = await access.tokens.create(request(fields), "acme", "admin");
  return { id: view.id, token, principal: access.check(token) as Principal };
};
const anyTenant = () => true;
const idOf = async (found: ReturnType<Access["check"]>) => {
  const who = await found;
  return typeof who === "string" ? who : who.id;
};
const isAway = (error: unknown) => error instanceof Problem && error.code === "authority-unavailable";

describe("Access.follow()", () => {
  it("knows a token on the very next call, heard of or not", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const heard = await create(owner);
    assert.equal((follower.check(heard.token) as Principal).id, heard.id);
    store.isLive = false;
    const unheard = await create(owner);
    const checked = follower.check(unheard.token);
    assert.ok(checked instanceof Promise);
    assert.equal(await idOf(checked), unheard.id);
    assert.equal((follower.check(unheard.token) as Principal).id, unheard.id);
    assert.equal(store.questions, 1);
  });

  it("knows those that were there before, and ends what goes on with one that is revoked", async () => {
    await using all = await scene();
    const { owner, startFollower } = all;
    const { token, id } = await create(owner);
    const follower = await startFollower();
    const principal = follower.check(token) as Principal;
    assert.equal(principal.id, id);
    let ended = false;
    principal.tenure.onOver(() => (ended = true));
    await owner.tokens.revoke(id, anyTenant);
    assert.equal(ended, true);
    assert.equal(await follower.check(token), "unknown");
  });

  it("lets a token run out by itself", async () => {
    let now = 1e12;
    await using all = await scene({ wall: () => now });
    const { owner, follower } = all;
    const { token } = await create(owner, { expiresAt: new Date(now + 1_000).toISOString() });
    const principal = follower.check(token) as Principal;
    now += 1_000;
    assert.equal(follower.check(token), "expired");
    assert.equal(principal.tenure.isOver, true);
  });

  it("refuses what cannot be a token, or a known one with another secret, without asking", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const { token } = await create(owner);
    const last = token.endsWith("A") ? "B" : "A";
    for (const text of ["guess", `${token}x`, `${token.slice(0, -1)}${last}`])
      assert.equal(follower.check(text), "unknown");
    assert.equal(
      follower.find("guess", () => null),
      null,
    );
    assert.equal(store.questions, 0);
  });

  it("takes callers without a token until there is one, and then none, nor those who are there", async () => {
    await using all = await scene({ admin: null });
    const { owner, follower } = all;
    const { open } = follower;
    assert.ok(open !== null && owner.isOpen);
    const { token, id } = await create(owner);
    assert.deepEqual([follower.open, open.tenure.isOver], [null, true]);
    assert.equal(await idOf(follower.check(token)), id);
  });

  it("lets few wait at a time, and tells others that it does not know", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const { token } = await create(owner);
    store.isCut = true;
    const guess = (index: number) => `cnk_${index.toString(16).padStart(16, "0")}_${"A".repeat(43)}`;
    const waiting = Array.from({ length: 1_000 }, (_, index) => follower.check(guess(index)));
    const since = performance.now();
    await assert.rejects(Promise.resolve(follower.check(guess(2_000))), isAway);
    assert.ok(performance.now() - since < 500);
    // Who is known gets in meanwhile.
    assert.equal(typeof follower.check(token), "object");
    for (const each of waiting) await assert.rejects(Promise.resolve(each), isAway);
    const tookMs = performance.now() - since;
    assert.ok(tookMs > 500 && tookMs < 5_000, `${tookMs} ms`);
    store.isCut = false;
    assert.equal(await follower.check(guess(0)), "unknown");
  });

  it("takes what it knows for a minute when it is cut off, and then nothing but the admin token", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const { token, principal } = await create(owner);
    const { secret } = owner.sessions.create(principal);
    const find = () => follower.find(secret, () => follower.sessions.find(secret));
    assert.notEqual(await find(), null);
    store.isCut = true;
    store.behindMs = 60_000;
    assert.equal(typeof follower.check(token), "object");
    assert.notEqual(find(), null);
    store.behindMs = 60_001;
    assert.throws(() => follower.check(token), isAway);
    assert.throws(find, isAway);
    assert.equal((follower.check(adminToken) as Principal).id, "admin");
    store.behindMs = 0;
    assert.equal(typeof follower.check(token), "object");
  });

  it("tells the owner of uses, who notes them", async () => {
    const reported: { readonly id: string; readonly lastUsedAt: number | null }[] = [];
    await using all = await scene();
    const { owner, startFollower } = all;
    const { token, id } = await create(owner);
    let now = 2e12;
    const clock = { wall: () => now, monotonic: () => performance.now() };
    const deps = { clock, reportUses: async (uses: typeof reported) => reported.push(...uses) };
    {
      await using follower = await startFollower(deps as Partial<FollowedDeps>);
      await idOf(follower.check(token));
      await follower.tokens.flush();
    }
    assert.deepEqual(reported, [{ ...reported[0], id, lastUsedAt: 2e12 }]);
    now = 0;
    owner.tokens.noteUses([
      { id, lastUsedAt: 5 },
      { id: "t_gone", lastUsedAt: 5 },
    ]);
    const before = owner.tokens.get(id, anyTenant).lastUsedAt;
    assert.ok(Date.parse(before ?? "") > 1e12);
    owner.tokens.noteUses(reported);
    const after = Date.parse(owner.tokens.get(id, anyTenant).lastUsedAt ?? "");
    assert.ok(after <= Date.now() && after >= Date.parse(before ?? ""));
  });
});

describe("sessions and stream tickets, kept", () => {
  const session = (access: Access, secret: string) =>
    access.find(secret, () => access.sessions.find(secret)?.principal ?? null);
  const ticket = (access: Access, secret: string) =>
    access.find(secret, () => access.tickets.check(secret, "/events"));

  for (const isLive of [true, false]) {
    it(`count on a follower, which has ${isLive ? "" : "not "}heard of them`, async () => {
      await using all = await scene();
      const { store, owner, follower } = all;
      store.isLive = isLive;
      const { principal } = await create(owner);
      const made = owner.sessions.create(principal);
      const byCookie = owner.tickets.create(made.session.principal, "/events");
      const byToken = owner.tickets.create(principal, "/events");
      await Promise.all([made.kept, byCookie.kept, byToken.kept]);
      assert.equal((await session(follower, made.secret))?.id, principal.id);
      const reading = await ticket(follower, byCookie.secret);
      assert.deepEqual([reading?.tenant, [...(reading?.scopes ?? [])]], ["acme", ["connections:read"]]);
      assert.notEqual(await ticket(follower, byToken.secret), null);
      assert.equal(await session(follower, byToken.secret), null);
      // No secret is kept.
      const kept = JSON.stringify([
        await store.records("sessions", null, 10),
        await store.records("stream-tickets", null, 10),
      ]);
      for (const { secret } of [made, byCookie, byToken]) assert.ok(!kept.includes(secret));
    });
  }

  it("end on a follower when somebody signs out, and with them the tickets that were made by the cookie", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const { principal } = await create(owner);
    const made = owner.sessions.create(principal);
    const byCookie = owner.tickets.create(made.session.principal, "/events");
    const byToken = owner.tickets.create(principal, "/events");
    const there = [
      await session(follower, made.secret),
      await ticket(follower, byCookie.secret),
      await ticket(follower, byToken.secret),
    ];
    await owner.sessions.end(made.session);
    assert.deepEqual(
      there.map((each) => each?.tenure.isOver),
      [true, true, false],
    );
    assert.equal(await session(follower, made.secret), null);
    await owner.tickets.revoke(byToken.ticket.id, principal);
    assert.equal(there[2]?.tenure.isOver, true);
    assert.deepEqual(await store.records("sessions", null, 10), []);
    assert.deepEqual(await store.records("stream-tickets", null, 10), []);
  });

  it("end with their token, everywhere", async () => {
    await using all = await scene();
    const { store, owner, follower } = all;
    const { id, principal } = await create(owner);
    const made = owner.sessions.create(principal);
    await made.kept;
    const there = await session(follower, made.secret);
    await owner.tokens.revoke(id, anyTenant);
    assert.equal(there?.tenure.isOver, true);
    await owner[Symbol.asyncDispose]();
    assert.deepEqual(await store.records("sessions", null, 10), []);
  });

  it("survive their owner; but those of another admin token, or of a token that has gone, do not", async () => {
    await using all = await scene();
    const { store, lease, owner, startOwner } = all;
    const { id, principal } = await create(owner);
    const gone = await create(owner);
    const [kept, lost] = [owner.sessions.create(principal), owner.sessions.create(gone.principal)];
    const byAdmin = owner.sessions.create(owner.check(adminToken) as Principal);
    const byCookie = owner.tickets.create(kept.session.principal, "/events");
    await Promise.all([kept.kept, lost.kept, byAdmin.kept, byCookie.kept]);
    // As a crash leaves it: the token is gone, and what was made with it is not.
    await store.commit(lease, [{ type: "delete", space: "tokens", key: gone.id }]);
    const next = await startOwner();
    assert.equal((await session(next, kept.secret))?.id, id);
    assert.notEqual(await ticket(next, byCookie.secret), null);
    assert.equal((await session(next, byAdmin.secret))?.id, "admin");
    assert.equal(await session(next, lost.secret), null);
    const other = await startOwner("another-admin-token-of-32-characters");
    assert.equal(await session(other, byAdmin.secret), null);
    assert.notEqual(await session(other, kept.secret), null);
    await other[Symbol.asyncDispose]();
    assert.equal((await store.records("sessions", null, 10)).length, 1);
  });

  it("of a JWT end when that does, on all nodes", async () => {
    let now = 1e12;
    await using all = await scene({ wall: () => now, takesForeign: true });
    const { store, lease, follower } = all;
    const owner: Change[] = ["s_1", "s_2"].map((key) => ({
      type: "put",
      space: "sessions",
      key,
      value: JSON.stringify({
        ...{ hash: Buffer.alloc(32, key).toString("base64"), expiresAt: now + 1e6 },
        owner: {
          ...{ by: "foreign", id: "jwt:a", tenant: "acme", scopes: ["publish"], publish: null },
          ...{ subscribe: null, endsAt: now + 1_000 },
        },
      }),
    }));
    await store.commit(lease, owner);
    const [one, two] = ["s_1", "s_2"].map((id) => follower.sessions.byId(id));
    assert.ok(one !== null && one !== undefined && one.owner === two?.owner);
    assert.equal(one.principal.id, "jwt:a");
    const over = Promise.withResolvers<void>();
    one.principal.tenure.onOver(over.resolve);
    now += 1_000;
    await over.promise;
  });

  it("that run out let streams that are open go on", async () => {
    let now = 1e12;
    await using all = await scene({ wall: () => now });
    const { store, owner, follower } = all;
    const { id, principal } = await create(owner);
    const made = owner.tickets.create(principal, "/events");
    await made.kept;
    const reading = await ticket(follower, made.secret);
    let ended = false;
    reading?.tenure.onOver(() => (ended = true));
    now += 3_600_000;
    const stillThere = () => store.get("stream-tickets", made.ticket.id);
    while ((await stillThere()) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await ticket(follower, made.secret), null);
    assert.equal(ended, false);
    await owner.tokens.revoke(id, anyTenant);
    assert.equal(ended, true);
  });

  it("that could not be kept are none", async () => {
    await using all = await scene();
    const { owner, store } = all;
    const { principal } = await create(owner);
    // Another one writes by now.
    await store.acquire();
    const refused = owner.sessions.create(principal);
    await assert.rejects(refused.kept ?? Promise.resolve(), { name: "StoreError", kind: "fenced" });
    assert.equal(owner.sessions.find(refused.secret), null);
    assert.equal(await store.get("sessions", refused.session.id), null);
  });
});
