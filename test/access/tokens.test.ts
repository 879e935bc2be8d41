import assert from "node:assert/strict";
import type { Principal } from "../../src/access/principal.ts";
import { hashOf } from "../../src/access/token.ts";
import { Problem } from "../../src/problem.ts";
import { startAccess, whoIs, request, type TestAccess } from "../support/access.ts";
import { RiggedStore } from "../support/rigged-store.ts";
import { describe, it } from "../support/test.ts";

const anyTenant = () => true;
const made = (access: TestAccess, fields: object = {}, tenant = "default") =>
  access.tokens.create(request(fields), tenant, "admin");
const principalOf = (access: TestAccess, text: string): Principal => {
  const found = whoIs(access, text);
  return typeof found === "object" ? found : assert.fail(found);
};

describe("Tokens", () => {
  it("are shown once, have 256 random bits, and are kept as a hash", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store });
    const { token, view } = await made(access, { name: "backend", scopes: ["publish"] }, "acme");
    assert.match(token, /^cnk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    assert.equal(view.id, `t_${token.slice(4, 20)}`);
    const kept = JSON.stringify(await store.disk.records("tokens", null, 10));
    const secret = token.slice(21);
    for (const part of [token, secret, secret.slice(0, 20)]) assert.ok(!kept.includes(part));
    assert.ok(kept.includes(hashOf(token).toString("base64")));
    assert.ok(!JSON.stringify([view, access.tokens.list(null, 10, null)]).includes(secret));
    const principal = principalOf(access, token);
    assert.deepEqual(
      [principal.id, principal.tenant, [...principal.scopes], principal.publish],
      [view.id, "acme", ["publish"], null],
    );
    assert.equal(principalOf(access, token), principal);
  });

  it("let nobody in who has only nearly one", async () => {
    await using access = await startAccess();
    const { token } = await made(access);
    const other = (await made(access)).token;
    const flipped = `${token.slice(0, -3)}${token.at(-3) === "A" ? "B" : "A"}${token.slice(-2)}`;
    for (const text of [
      "",
      "cnk_",
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      ` ${token}`,
      flipped,
      token.slice(0, 21) + other.slice(21),
      `cnk_${"0".repeat(16)}${token.slice(20)}`,
      // 43 characters of base64url have two bits to spare: another last character may decode to the same bytes.
      `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(42 + 21) + 1)}`,
    ])
      assert.equal(whoIs(access, text), "unknown", text);
    assert.equal(typeof whoIs(access, token), "object");
  });

  it("are kept before anybody is told of them, and not told of where the store refuses", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store });
    const held = store.hold("before");
    let told = false;
    const creating = made(access).then(() => (told = true));
    const commit = await held;
    assert.equal(told, false);
    assert.equal(access.tokens.size, 0);
    commit.release();
    await creating;
    store.refuse("unavailable");
    await assert.rejects(made(access), { kind: "unavailable" });
    assert.equal(access.tokens.size, 1);
  });

  it("are listed where it is not known whether they were kept, so that they can be revoked", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store });
    const held = store.hold("after");
    const creating = made(access);
    (await held).fail("unknown");
    await assert.rejects(creating, { kind: "unknown" });
    const [item] = access.tokens.list(null, 10, null).items;
    await access.tokens.revoke(item!.id, anyTenant);
    assert.deepEqual(await store.disk.records("tokens", null, 10), []);
  });

  it("outlive a restart, in their order, with all that they allow", async () => {
    const store = new RiggedStore();
    const texts: string[] = [];
    await using access = await startAccess({ store });
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    for (const name of ["b", "a", "c"])
      texts.push((await made(access, { name, subscribe: ["a/#"], expiresAt })).token);
    await using next = await startAccess({ store: new RiggedStore(store) });
    const { items } = next.tokens.list(null, 10, null);
    assert.deepEqual(items, access.tokens.list(null, 10, null).items);
    assert.deepEqual(
      items.map(({ name }) => name),
      ["b", "a", "c"],
    );
    for (const text of texts) assert.deepEqual(principalOf(next, text).subscribe, ["a/#"]);
    await made(next, { name: "d" });
    assert.equal(next.tokens.list(null, 10, null).items.at(-1)?.name, "d");
  });

  it("keep access control on when the last was revoked", async () => {
    const store = new RiggedStore();
    await using first = await startAccess({ store, adminToken: null });
    assert.equal(first.isOpen, true);
    const { view } = await made(first);
    await first.tokens.revoke(view.id, anyTenant);
    assert.equal(first.tokens.size, 0);
    await using second = await startAccess({ store: new RiggedStore(store), adminToken: null });
    assert.equal(second.isOpen, false);
  });

  it("end what goes on with them when they are revoked, whatever the store says", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store });
    const { token, view } = await made(access);
    let ended = 0;
    principalOf(access, token).tenure.onOver(() => (ended += 1));
    store.refuse("unavailable");
    await assert.rejects(access.tokens.revoke(view.id, anyTenant), { kind: "unavailable" });
    assert.equal(ended, 1);
    assert.equal(whoIs(access, token), "unknown");
    // It is still in the store, and so it can be revoked again.
    store.refuse(null);
    await access.tokens.revoke(view.id, anyTenant);
    await assert.rejects(access.tokens.revoke(view.id, anyTenant), { code: "not-found" });
    await using next = await startAccess({ store: new RiggedStore(store) });
    assert.equal(whoIs(next, token), "unknown");
  });

  it("expire by the wall clock, and end what goes on with them", async () => {
    let now = Date.now();
    await using access = await startAccess({ wall: () => now });
    const expiresAt = new Date(now + 60_000).toISOString();
    const { token } = await made(access, { expiresAt });
    const over = Promise.withResolvers<void>();
    principalOf(access, token).tenure.onOver(() => over.resolve());
    now += 59_999;
    assert.equal(typeof whoIs(access, token), "object");
    now += 1;
    const begun = performance.now();
    await over.promise;
    assert.ok(performance.now() - begun < 1_000);
    assert.equal(whoIs(access, token), "expired");
    assert.equal(whoIs(access, `${token.slice(0, -3)}AAA`), "unknown");
    await assert.rejects(made(access, { expiresAt }), { code: "invalid-request" });
  });

  it("are no more than CONNACK_MAX_TOKENS, those that are being made included", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store, maxTokens: 2 });
    const held = store.hold("before");
    const first = made(access);
    const second = made(access);
    await assert.rejects(made(access), (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual(error.details.limit, { name: "CONNACK_MAX_TOKENS", value: 2 });
      return error.code === "limit-reached";
    });
    (await held).release();
    const { view } = await first;
    await second;
    await access.tokens.revoke(view.id, anyTenant);
    await made(access);
  });

  it("of one tenant are no more than CONNACK_TENANT_MAX_TOKENS, and others have theirs", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store, maxTokens: 5, tenantMaxTokens: 2 });
    const { view } = await made(access, {}, "a");
    await made(access, {}, "a");
    const assertFull = (name: string, value: number, tenant: string) =>
      assert.rejects(made(access, {}, tenant), (error) => {
        assert.ok(error instanceof Problem);
        assert.deepEqual(error.details.limit, { name, value });
        return error.code === "limit-reached";
      });
    await assertFull("CONNACK_TENANT_MAX_TOKENS", 2, "a");
    await made(access, {}, "b");
    await access.tokens.revoke(view.id, anyTenant);
    await made(access, {}, "a");
    await made(access, {}, "default");
    await made(access, {}, "default");
    await assertFull("CONNACK_MAX_TOKENS", 5, "default");
    await using again = await startAccess({ store, maxTokens: 9, tenantMaxTokens: 2 });
    await assert.rejects(made(again, {}, "a"), { code: "limit-reached" });
    await made(again, {}, "b");
  });

  it("are listed by tenant, page by page, each once", async () => {
    await using access = await startAccess();
    for (let i = 0; i < 10; i += 1) await made(access, { name: `n${i}` }, i % 2 === 0 ? "even" : "odd");
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const page: ReturnType<typeof access.tokens.list> = access.tokens.list("odd", 2, after);
      seen.push(...page.items.map(({ name }) => name));
      after = page.next;
      if (after === null) break;
    }
    assert.deepEqual(seen, ["n1", "n3", "n5", "n7", "n9"]);
  });
});

describe("the last use of a token", () => {
  it("is written at the end, and is there after a restart", async () => {
    const store = new RiggedStore();
    let now = 1_000_000;
    const access = await startAccess({ store, wall: () => now });
    const { token, view } = await made(access);
    assert.equal(access.tokens.get(view.id, anyTenant).lastUsedAt, null);
    now = 2_000_000;
    principalOf(access, token);
    now = 3_000_000;
    principalOf(access, token);
    assert.equal(store.seenSpaces.has("token-uses"), false);
    await access[Symbol.asyncDispose]();
    await using next = await startAccess({ store: new RiggedStore(store), wall: () => now });
    assert.equal(next.tokens.get(view.id, anyTenant).lastUsedAt, new Date(3_000_000).toISOString());
  });

  it("goes with its token", async () => {
    const store = new RiggedStore();
    await using access = await startAccess({ store });
    const { token, view } = await made(access);
    principalOf(access, token);
    await access.tokens.flush();
    assert.equal((await store.disk.records("token-uses", null, 10)).length, 1);
    await access.tokens.revoke(view.id, anyTenant);
    assert.deepEqual(await store.disk.records("token-uses", null, 10), []);
  });

  it("fails no call and no end where the store refuses, and brings back no token that was revoked", async () => {
    const store = new RiggedStore();
    const access = await startAccess({ store });
    const { token, view } = await made(access);
    principalOf(access, token);
    store.refuse("full");
    await access.tokens.flush();
    assert.equal(typeof whoIs(access, token), "object");
    store.refuse(null);
    await access.tokens.revoke(view.id, anyTenant);
    await access[Symbol.asyncDispose]();
    assert.deepEqual(await store.disk.records("token-uses", null, 10), []);
    assert.deepEqual(await store.disk.records("tokens", null, 10), []);
  });
});

describe("the admin token", () => {
  it("has every scope of the tenant default, and is compared as a whole", async () => {
    const adminToken = "an-admin-token-of-32-characters!";
    await using access = await startAccess({ adminToken });
    const principal = principalOf(access, adminToken);
    assert.deepEqual(
      [principal.id, principal.tenant, principal.scopes.has("admin")],
      ["admin", "default", true],
    );
    for (const text of [adminToken.slice(1), `${adminToken}!`, adminToken.toUpperCase(), ""])
      assert.equal(whoIs(access, text), "unknown");
    assert.equal(access.isOpen, false);
  });
});
