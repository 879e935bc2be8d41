import assert from "node:assert/strict";
import { openFollowed } from "../../src/open-access.ts";
import { parseSettings } from "../../src/settings.ts";
import { followJetstream } from "../../src/store/jetstream-follower.ts";
import { adminToken, quiet } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { assertProblem } from "../support/invariants.ts";
import { JetstreamPlace } from "../support/jetstream-place.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

const environment = { CONNACK_ADMIN_TOKEN: adminToken, CONNACK_SECRET_KEY: "00".repeat(32) };
const admin = { authorization: `Bearer ${adminToken}` };

/** How soon what goes on at another node with a token is over when the token is. */
const soonMs = 2_000;

describe("access of a node that follows another one", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  /** A node that owns shard 0, and one that follows it, over NATS. */
  async function scene() {
    count += 1;
    await using opened = new AsyncDisposableStack();
    const place = opened.use(await JetstreamPlace.make(nats, `access${count}`));
    const store = await place.store("owner");
    const owner = opened.use(await startApp(environment, { store, follow: { heardUses: () => () => {} } }));
    const connection = await nats.connect();
    opened.defer(() => connection.close());
    const following = opened.use(await followJetstream({ connection, stream: place.name }));
    const settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
    const clock = { wall: Date.now, monotonic: () => performance.now() };
    const followed = opened.use(await openFollowed(settings, quiet, clock, following));
    const follower = opened.use(await startApp({ ...environment }, { follow: followed }));
    const scope = opened.move();
    return { owner, follower, connection, [Symbol.asyncDispose]: () => scope.disposeAsync() };
  }

  async function token(owner: TestApp, fields: object = {}) {
    const scopes = ["connections:read", "connections:write"];
    const made = await owner.call("POST", "/tokens", { name: "x", scopes, ...fields }, admin);
    assert.equal(made.status, 201, made.text);
    const headers = { authorization: `Bearer ${made.body.token}` };
    const revoke = async () => {
      const answer = await owner.call("DELETE", `/tokens/${made.body.id}`, undefined, admin);
      assert.equal(answer.status, 204, answer.text);
    };
    return { headers, revoke };
  }

  it("takes a token on the very next call, and not any more on the one after it was revoked", async () => {
    await using rig = await scene();
    const { owner, follower } = rig;
    for (let round = 0; round < 20; round += 1) {
      const { headers, revoke } = await token(owner);
      assert.equal((await follower.call("GET", "/connections", undefined, headers)).status, 200);
      await revoke();
      // Heard of, and not asked for: some milliseconds at most.
      const since = performance.now();
      while ((await follower.call("GET", "/connections", undefined, headers)).status === 200)
        assert.ok(performance.now() - since < soonMs);
      assertProblem(await follower.call("GET", "/connections", undefined, headers), 401, "unauthorized");
    }
  });

  it("ends a stream when the token is revoked at the owner", async () => {
    await using rig = await scene();
    const { owner, follower } = rig;
    const { headers, revoke } = await token(owner);
    await using reader = await follower.events("/events", headers);
    await revoke();
    const since = performance.now();
    await reader.ended;
    assert.ok(performance.now() - since < soonMs);
    assert.equal(reader.seen.at(-1)?.type, "unauthorized");
  });

  it("takes a session's cookie and a stream ticket that were made at the owner, until they end there", async () => {
    await using rig = await scene();
    const { owner, follower } = rig;
    const { headers } = await token(owner);
    const signedIn = await owner.call("POST", "/session", undefined, headers);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const own = { cookie, "sec-fetch-site": "same-origin" };
    assert.equal((await follower.call("GET", "/connections", undefined, own)).status, 200);
    const made = await owner.call("POST", "/stream-tickets", { path: "/events" }, own);
    assert.equal(made.status, 201, made.text);
    await using reader = await follower.events(`/events?ticket=${made.body.ticket}`);
    await using other = await follower.events("/events", headers);
    assertProblem(await follower.call("GET", `/connections?ticket=${made.body.ticket}`), 401, "unauthorized");
    assert.equal((await owner.call("DELETE", "/session", undefined, own)).status, 204);
    await reader.ended;
    assert.equal(reader.seen.at(-1)?.type, "unauthorized");
    assert.ok(!other.seen.some(({ type }) => type === "unauthorized"));
    assertProblem(await follower.call("GET", "/connections", undefined, own), 401, "unauthorized");
    assert.equal((await follower.call("GET", "/healthz", undefined, own)).status, 200);
  });

  it("answers floods of guesses with few questions, and others meanwhile", async () => {
    await using rig = await scene();
    const { owner, follower, connection } = rig;
    const { headers } = await token(owner);
    let questions = 0;
    const request = connection.request.bind(connection);
    connection.request = (subject, ...rest) => {
      questions += 1;
      return request(subject, ...rest);
    };
    const since = performance.now();
    const guess = (index: number) => ({
      authorization: `Bearer cnk_${index.toString(16).padStart(16, "0")}_${"A".repeat(43)}`,
    });
    const guesses = Array.from({ length: 500 }, (_, index) =>
      follower.call("GET", "/connections", undefined, guess(index)),
    );
    assert.equal((await follower.call("GET", "/connections", undefined, headers)).status, 200);
    for (const { status } of await Promise.all(guesses)) assert.equal(status, 401);
    const seconds = (performance.now() - since) / 1_000;
    assert.ok(questions <= 2 + seconds * 50, `${questions} questions in ${seconds} s`);
  });

  it("takes whom it knows while it is cut off, and says of others that it cannot know", async () => {
    await using rig = await scene();
    const { owner, follower } = rig;
    const { headers } = await token(owner);
    assert.equal((await follower.call("GET", "/connections", undefined, headers)).status, 200);
    await nats.servers[0]?.kill();
    try {
      assert.equal((await follower.call("GET", "/connections", undefined, headers)).status, 200);
      const stranger = { authorization: `Bearer cnk_${"0".repeat(16)}_${"A".repeat(43)}` };
      const answer = await follower.call("GET", "/connections", undefined, stranger);
      assertProblem(answer, 503, "authority-unavailable");
      assert.equal(answer.headers.get("retry-after"), "1");
      assert.equal((await follower.call("GET", "/connections", undefined, admin)).status, 200);
      const cookie = { cookie: `__Host-connack=${"A".repeat(43)}` };
      assert.equal((await follower.call("GET", "/healthz", undefined, cookie)).status, 200);
    } finally {
      await nats.servers[0]?.start();
      await nats.ready();
    }
    const later = await token(owner);
    // Until it has found the servers again, it cannot know.
    for (;;) {
      const { status } = await follower.call("GET", "/connections", undefined, later.headers);
      if (status === 200) break;
      assert.equal(status, 503);
    }
  });
});
