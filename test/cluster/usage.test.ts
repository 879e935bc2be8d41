import assert from "node:assert/strict";
import * as fc from "fast-check";
import { decodeStatement, type Statement } from "../../src/cluster/usage-statement.ts";
import { Usage } from "../../src/cluster/usage.ts";
import type { Rate } from "../../src/rate.ts";
import { UsageNodes, type UsageNode } from "../support/usage-nodes.ts";
import { describe, it } from "../support/test.ts";

const limits = { CONNACK_TENANT_MAX_CONNECTIONS: "1000", CONNACK_TENANT_MAX_REQUESTS_PER_SECOND: "500" };

function three(environment: Record<string, string> = limits): {
  readonly all: UsageNodes;
  readonly nodes: readonly [UsageNode, UsageNode, UsageNode];
} {
  const all = new UsageNodes(environment);
  const nodes = [all.add("a"), all.add("b", 80), all.add("c", 160)] as const;
  all.pass(300);
  return { all, nodes };
}

/** Calls as often as it may; returns how often that was. */
function drain(rate: Rate, most = Infinity): number {
  for (let taken = 0; ; taken += 1) if (taken >= most || rate.take() !== null) return taken;
}

/** All call all nodes as fast as they can; returns how many calls got through. */
function hammer(all: UsageNodes, rates: readonly Rate[], ms: number): number {
  let through = 0;
  for (let at = 0; at < ms; at += 10) {
    for (const rate of rates) through += drain(rate);
    all.pass(10);
  }
  return through;
}

describe("Usage", () => {
  it("leaves on one node what others do not have", () => {
    const { all, nodes } = three();
    const [a, b, c] = nodes.map(({ acme }) => acme.budgets.connections);
    assert.equal(a!.take(600), null);
    all.pass(30);
    assert.equal(b!.take(401), b);
    assert.equal(b!.take(400), null);
    all.pass(30);
    for (const full of [a!, b!, c!]) assert.equal(full.take(), full);
    a!.give(600);
    all.pass(300);
    assert.equal(c!.take(600), null);
    assert.deepEqual(
      [a!, b!, c!].map(({ used }) => used),
      [0, 400, 600],
    );
  });

  it("a node that is no member any more has nothing, and neither has one that was silent for 5 seconds", () => {
    const { all, nodes } = three();
    const [a, b, c] = nodes;
    a.acme.budgets.connections.force(500);
    b.acme.budgets.connections.force(500);
    all.pass(300);
    assert.notEqual(c.acme.budgets.connections.check(), null);
    all.remove("a");
    assert.equal(c.acme.budgets.connections.check(500), null);
    b.isConnected = false;
    all.pass(4_500);
    assert.notEqual(c.acme.budgets.connections.check(501), null);
    all.pass(3_000);
    assert.equal(c.acme.budgets.connections.check(1_000), null);
  });

  it("a node that is cut off goes on with what it knew for 5 seconds, then with its part, until it hears again", () => {
    const { all, nodes } = three();
    const [a, b, c] = nodes;
    b.acme.budgets.connections.force(800);
    all.pass(2_500);
    for (const node of nodes) node.isConnected = false;
    all.pass(2_900);
    assert.equal(a.acme.budgets.connections.check(200), null);
    assert.notEqual(a.acme.budgets.connections.check(201), null);
    all.pass(5_000);
    const { connections } = a.acme.budgets;
    assert.equal(connections.check(333), null);
    assert.notEqual(connections.check(334), null);
    const { requests } = c.acme.rates;
    drain(requests);
    const through = hammer(all, [requests], 3_000);
    assert.ok(through >= 490 && through <= 510, `${through} calls in 3 s`);
    for (const node of nodes) node.isConnected = true;
    for (let ms = 0; ms < 2_300; ms += 10) {
      assert.notEqual(connections.check(334), null);
      all.pass(10);
    }
    // What was its own part is not made up for.
    assert.ok(a.acme.rates.requests.left >= 400, `${a.acme.rates.requests.left}`);
    assert.equal(connections.check(200), null);
    assert.notEqual(connections.check(201), null);
  });

  it("a node by itself has all there is, cut off or not", () => {
    const all = new UsageNodes(limits);
    const { acme } = all.add("a");
    all.pass(500);
    for (let n = 0; n < 2; n += 1) {
      assert.equal(acme.budgets.connections.check(1_000), null);
      assert.equal(drain(acme.rates.requests), 500);
      all.nodes[0]!.isConnected = false;
      all.pass(20_000);
    }
  });

  it("gives a tenant whose calls go to one node all of its rate, and to all nodes no more", () => {
    const { all, nodes } = three();
    const rates = nodes.map(({ acme }) => acme.rates.requests);
    all.pass(5_000);
    const one = hammer(all, rates.slice(0, 1), 20_000);
    assert.ok(one >= 500 * 20 && one <= 500 * 21, `${one} through one`);
    all.pass(5_000);
    const both = hammer(all, rates, 20_000);
    assert.ok(both >= 500 * 20 * 0.95 && both <= 500 * 21 * 1.05, `${both} through all`);
  });

  it("says what is left by all of this", () => {
    const { all, nodes } = three();
    const [a, b] = nodes.map(({ acme }) => acme.rates.requests);
    drain(a!, 200);
    all.pass(30);
    assert.ok(b!.left >= 300 && b!.left <= 316, `${b!.left}`);
    drain(a!);
    drain(b!);
    all.pass(30);
    assert.equal(a!.left, 0);
    assert.equal(a!.leftThen, 0);
    assert.ok(a!.secondsToFull >= 2);
    assert.ok(a!.refusal.retryAfterSeconds >= 1);
  });

  it("a statement that was lost is made up for by the next", () => {
    const { all, nodes } = three();
    const [a, b] = nodes;
    all.pass(5_000);
    b.isConnected = false;
    drain(a.acme.rates.requests, 300);
    a.acme.budgets.connections.force(7);
    all.pass(100);
    b.isConnected = true;
    drain(a.acme.rates.requests, 30);
    all.pass(50);
    const { requests } = b.acme.rates;
    assert.ok(requests.left < 200 + 0.2 * 500, `${requests.left}`);
    all.pass(2_500);
    assert.notEqual(b.acme.budgets.connections.check(994), null);
    assert.equal(b.acme.budgets.connections.check(993), null);
  });

  it("a tenant that is opened later has what others leave, and one that is closed leaves all", () => {
    const { all, nodes } = three();
    const [a, b] = nodes;
    const held = a.tenants.hold("late");
    held.shares.budgets.streams.force(1_500);
    all.pass(300);
    const late = b.tenants.hold("late").shares.budgets.streams;
    assert.equal(late.check(500), null);
    assert.notEqual(late.check(501), null);
    held.shares.budgets.streams.give(1_500);
    held.release();
    all.pass(30);
    assert.equal(late.check(2_000), null);
  });

  it("leaves the default tenant all there is on each node", () => {
    const all = new UsageNodes({ CONNACK_MAX_CONNECTIONS: "10" });
    const shares = [all.add("a"), all.add("b")].map(({ tenants }) => tenants.hold("default").shares);
    all.pass(300);
    for (const { budgets } of shares) assert.equal(budgets.connections.take(10), null);
    all.pass(3_000);
    assert.equal(shares[0]!.budgets.connections.isOver, false);
  });

  it("says nothing of what a node counts by itself", () => {
    const { all, nodes } = three({ CONNACK_TENANT_MAX_TOTAL_LOG_BYTES: "2000" });
    const [a, b] = nodes;
    for (const name of ["logBytes", "idempotencyKeys", "idempotencyBytes", "bodyBytes"] as const)
      a.acme.budgets[name].force(a.acme.budgets[name].most + 1);
    all.pass(3_000);
    assert.equal(b.acme.budgets.logBytes.isOver, false);
    assert.equal(b.acme.budgets.bodyBytes.check(), null);
  });

  it("says no more than it has to, in statements that are not too large", () => {
    const said: Statement[] = [];
    let now = 0;
    const usage = new Usage({
      ...{ node: "a", members: () => ["a"], now: () => now, hurry: () => {} },
      send: (statement) => {
        said.push(statement);
        usage.receive(statement);
      },
    });
    const { tenants } = new UsageNodes({}).add("x");
    const shares = Array.from({ length: 450 }, (_, n) => {
      const held = tenants.hold(`tenant-${n}`.padEnd(64, "-"));
      usage.entered(`tenant-${n}`.padEnd(64, "-"), held.shares);
      return held.shares;
    });
    const sizes = () => said.splice(0).map((statement) => statement.tenants.length);
    for (const { budgets, rates } of shares) {
      for (const budget of Object.values(budgets)) budget.force(1_000_000_000_000);
      for (const rate of Object.values(rates)) rate.take();
    }
    usage.tick();
    assert.ok(said.every((statement) => JSON.stringify(statement).length < 100_000));
    assert.deepEqual(sizes(), [200, 200, 50]);
    now += 250;
    usage.tick();
    assert.deepEqual(sizes(), []);
    shares[3]!.budgets.streams.give();
    now += 250;
    usage.tick();
    assert.deepEqual(said[0]?.tenants[0]?.used.streams, 999_999_999_999);
    assert.deepEqual(sizes(), [1]);
    now += 2_000;
    usage.tick();
    assert.deepEqual(sizes(), [200, 200, 50]);
  });

  it("takes no statement for what no node says", () => {
    const good = { node: "a", number: 1, tenants: [{ tenant: "t", used: { streams: 1 }, taken: {} }] };
    assert.deepEqual(decodeStatement(JSON.stringify(good)), good);
    for (const bad of [
      ...["", "{", "null", "1", "[]", "{}"],
      JSON.stringify({ ...good, tenants: {} }),
      JSON.stringify({ ...good, tenants: [null] }),
      JSON.stringify({ ...good, tenants: [{ tenant: "t", used: { streams: -1 }, taken: {} }] }),
      JSON.stringify({ ...good, tenants: [{ tenant: "t", used: { streams: "1" }, taken: {} }] }),
      JSON.stringify({ ...good, tenants: [{ tenant: "t", used: {}, taken: { requests: 5 } }] }),
    ])
      assert.equal(decodeStatement(bad), null, bad);
  });
});

const delays = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 50 });
const phases = fc.tuple(fc.nat(249), fc.nat(249), fc.nat(249));

describe("limits over nodes", () => {
  it("let through no more of a rate than 110 % and what all may take before they hear of one another", () => {
    const step = fc.record({
      node: fc.nat(2),
      ms: fc.nat(700),
      tries: fc.nat(1_500),
      isSteady: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), delays, phases, (steps, late, phase) => {
        const all = new UsageNodes({ ...limits, CONNACK_TENANT_MAX_REQUESTS_PER_SECOND: "100" });
        let turn = 0;
        all.delayMs = () => late[(turn += 1) % late.length]!;
        const rates = phase.map((ms, n) => all.add(`n${n}`, ms).acme.rates.requests);
        let through = 0;
        for (const { node, ms, tries, isSteady } of steps) {
          if (isSteady) through += hammer(all, rates, ms);
          else through += drain(rates[node]!, tries);
          all.pass(isSteady ? 0 : ms);
          // Each begins with a full burst, and for as long as a statement takes it knows nothing of the others.
          const burst = 3 * (100 + 0.1 * (500 + 20));
          assert.ok(through <= 0.1 * all.now * 1.1 + burst + 100, `${through} in ${all.now} ms`);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("let no more be taken than there may be, and what is taken before all have heard of it", () => {
    const step = fc.record({ node: fc.nat(2), ms: fc.nat(300), n: fc.integer({ min: -40, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), delays, phases, (steps, late, phase) => {
        const all = new UsageNodes({ ...limits, CONNACK_TENANT_MAX_CONNECTIONS: "200" });
        let turn = 0;
        all.delayMs = () => late[(turn += 1) % late.length]!;
        const budgets = phase.map((ms, n) => all.add(`n${n}`, ms).acme.budgets.connections);
        const lately: { readonly at: number; readonly n: number }[] = [];
        for (const { node, ms, n } of steps) {
          const budget = budgets[node]!;
          if (n < 0) budget.give(Math.min(-n, budget.used));
          else if (budget.take(n) === null) lately.push({ at: all.now, n });
          const unheard = lately
            .filter(({ at }) => at >= all.now - 520)
            .reduce((sum, each) => sum + each.n, 0);
          const total = budgets.reduce((sum, { used }) => sum + used, 0);
          assert.ok(total <= 200 + unheard, `${total} with ${unheard} unheard`);
          all.pass(ms);
        }
      }),
      { numRuns: 200 },
    );
  });
});
