import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { AppOverrides } from "../src/app-overrides.ts";
import { systemClock } from "../src/clock.ts";
import { NodeTenants } from "../src/node-tenants.ts";
import { parseSettings } from "../src/settings.ts";
import { processShares } from "../src/shares.ts";
import { openStore as openStoreAt } from "../src/store/open.ts";
import type { OpeningOptions } from "../src/store/opening.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { accepts } from "./support/broker-scripts.ts";
import { durablePlace } from "./support/durable-app.ts";
import { assertLimited, principalOf, readMetrics } from "./support/limit-scene.ts";
import { startScriptedBroker } from "./support/scripted-broker.ts";
import { describe, it } from "./support/test.ts";

/** Services of one process. */
class Services implements AsyncDisposable {
  readonly #environment: Record<string, string>;
  readonly #apps: TestApp[] = [];
  readonly shares;
  readonly tenants: NodeTenants;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
    const settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
    this.shares = processShares(settings, systemClock.monotonic);
    this.tenants = new NodeTenants(settings, systemClock.monotonic, this.shares);
  }

  async start(tenant: string, more: AppOverrides = {}): Promise<TestApp> {
    const { shares, tenants } = this;
    const principal = principalOf(tenant);
    const app = await startApp(this.#environment, { ...{ shares, tenants, principal }, ...more });
    this.#apps.push(app);
    return app;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const app of this.#apps) await app.stop();
  }
}

describe("NodeTenants", () => {
  it("a tenant's limits are those of all services of the process, and what one gives back the others may take", async () => {
    await using broker = await startScriptedBroker(accepts());
    const setting = "CONNACK_TENANT_MAX_CONNECTIONS";
    await using services = new Services({ [setting]: "2" });
    const [one, two] = [await services.start("acme"), await services.start("acme")];
    for (const app of [one, two]) assert.equal((await app.open({ url: broker.url })).status, 201);
    for (const app of [one, two])
      assertLimited(await app.open({ url: broker.url }), "limit-reached", setting);
    assert.equal((await readMetrics(one)).get(`connack_limit_used{limit="${setting}"}`), 2);
    const other = await services.start("other");
    assert.equal((await other.open({ url: broker.url })).status, 201);
    await one.stop();
    assert.equal((await two.open({ url: broker.url })).status, 201);
    assertLimited(await two.open({ url: broker.url }), "limit-reached", setting);
    await services[Symbol.asyncDispose]();
    assert.equal(services.shares.budgets.connections.used, 0);
  });

  it("two tenants cannot have one client id at one broker, whichever services they have it in", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using services = new Services({});
    const [one, two] = [await services.start("one"), await services.start("two")];
    const request = { url: broker.url, clientId: "mine" };
    assert.equal((await one.open(request)).status, 201);
    assert.equal((await two.open(request)).body.code, "client-id-in-use");
    await one.stop();
    assert.equal((await two.open(request)).status, 201);
  });

  it("a service whose start fails leaves nothing behind", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const first = await place.start(place.environment, { principal: principalOf("acme") });
    assert.equal((await first.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    await first.stop();
    await using services = new Services(place.environment);
    const { connections } = services.shares.budgets;
    const held = services.tenants.hold("acme");
    let most = 0;
    const openStore = async (options: OpeningOptions) => {
      const { store: kind, storeMaxBytes } = parseSettings(place.environment);
      const store = await openStoreAt(kind, storeMaxBytes, undefined, options);
      const spaces = store.spaces.bind(store);
      return Object.assign(store, {
        spaces(prefix: string) {
          most = Math.max(most, connections.used);
          if (most > 0) throw new Error("cannot be read");
          return spaces(prefix);
        },
      });
    };
    await assert.rejects(services.start("acme", { openStore }), /cannot be read/);
    while (connections.used > 0) await setImmediate();
    assert.equal(most, 1);
    assert.equal(held.shares.budgets.connections.used, 0);
  });

  it("keeps a share for as long as anybody has it, and tells when nobody has", () => {
    const { tenants } = new Services({});
    const told: string[] = [];
    tenants.watch({ entered: (name) => told.push(`+${name}`), left: (name) => told.push(`-${name}`) });
    const [first, second] = [tenants.hold("acme"), tenants.hold("acme")];
    tenants.hold("default").release();
    assert.equal(first.shares.budgets.connections, second.shares.budgets.connections);
    assert.equal(first.shares.rates, second.shares.rates);
    assert.notEqual(first.shares.budgets.webhooks, second.shares.budgets.webhooks);
    first.release();
    first.release();
    assert.deepEqual(told, ["+acme"]);
    second.release();
    assert.deepEqual(told, ["+acme", "-acme"]);
    assert.notEqual(tenants.hold("acme").shares.budgets.connections, first.shares.budgets.connections);
  });
});
