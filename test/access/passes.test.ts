import assert from "node:assert/strict";
import type { Principal } from "../../src/access/principal.ts";
import { Sessions } from "../../src/access/sessions.ts";
import { Tenure } from "../../src/access/tenure.ts";
import { Tickets } from "../../src/access/tickets.ts";
import { describe, it } from "../support/test.ts";

const owner = (tenant = "acme"): Principal => ({
  id: "t_1",
  tenant,
  scopes: new Set(["connections:read", "publish"]),
  publish: null,
  subscribe: null,
  tenure: new Tenure(),
});

describe("Tickets", () => {
  it("read only, as their token", () => {
    using tickets = new Tickets(Date.now);
    const { secret } = tickets.create(owner(), "/events");
    const principal = tickets.check(secret, "/events");
    assert.deepEqual([principal?.tenant, [...(principal?.scopes ?? [])]], ["acme", ["connections:read"]]);
    assert.equal(tickets.check(secret, "/connections/a/events"), null);
    assert.equal(tickets.check(secret.slice(1), "/events"), null);
  });

  it("run out for who comes, not for who is there, who still leaves with the token", async () => {
    let now = 0;
    using tickets = new Tickets(() => now);
    const [by, idle] = [owner(), owner()];
    const { secret } = tickets.create(by, "/events");
    tickets.create(idle, "/events");
    let ended = false;
    tickets.check(secret, "/events")?.tenure.onOver(() => (ended = true));
    now = 3_600_000;
    assert.equal(tickets.check(secret, "/events"), null);
    // Until those are forgotten with which nothing goes on.
    while (idle.tenure.isWatched) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(ended, false);
    by.tenure.end();
    assert.equal(ended, true);
  });

  it("are 1,000 of a tenant at most: the oldest goes, an idle one first", () => {
    using tickets = new Tickets(Date.now);
    const by = owner();
    const made = Array.from({ length: 1_000 }, () => tickets.create(by, "/events").secret);
    const foreign = tickets.create(owner("other"), "/events").secret;
    const isGood = (secret: string | undefined) => tickets.check(secret ?? "", "/events") !== null;
    let ended = false;
    tickets.check(made[0] ?? "", "/events")?.tenure.onOver(() => (ended = true));
    tickets.create(by, "/events");
    assert.deepEqual([made[0], made[1], made[2], foreign].map(isGood), [true, false, true, true]);
    assert.equal(ended, false);
  });

  it("are 1,000 of a tenant at most, also where all are in use", () => {
    using tickets = new Tickets(Date.now);
    const by = owner();
    const ended: number[] = [];
    for (let i = 0; i < 1_001; i += 1) {
      const { secret } = tickets.create(by, "/events");
      tickets.check(secret, "/events")?.tenure.onOver(() => ended.push(i));
    }
    assert.deepEqual(ended, [0]);
  });

  it("are not made from a token that is over", () => {
    using tickets = new Tickets(Date.now);
    const by = owner();
    by.tenure.end();
    const { secret } = tickets.create(by, "/events");
    assert.equal(tickets.check(secret, "/events"), null);
  });
});

describe("Sessions", () => {
  it("last 12 hours, and end what goes on with them", async () => {
    let now = 0;
    using sessions = new Sessions(() => now);
    const by = owner();
    const { session, secret } = sessions.create(by);
    const over = Promise.withResolvers<void>();
    session.principal.tenure.onOver(() => over.resolve());
    now = 43_199_999;
    assert.equal(sessions.find(secret), session);
    now = 43_200_000;
    assert.equal(sessions.find(secret), null);
    await over.promise;
    assert.equal(by.tenure.isWatched, false);
  });
});
