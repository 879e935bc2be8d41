import assert from "node:assert/strict";
import * as fc from "fast-check";
import { systemClock } from "../../src/clock.ts";
import { parseSettings } from "../../src/settings.ts";
import { processShares, type Shares } from "../../src/shares.ts";
import type { TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, type DurablePlace } from "../support/durable-app.ts";
import { principalOf } from "../support/limit-scene.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker, type Script, type ScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

/** Sends some messages, and acknowledges those to `ack` alone. */
const talks: Script = async (peer) => {
  await accepts()(peer);
  peer.answer("publish", ({ topic, messageId = 0 }) => {
    if (topic === "ack") peer.send({ cmd: "puback", messageId, reasonCode: 0 });
  });
  for (let n = 0; n < 20; n += 1) peer.send(message("t/in", `message ${n}`));
};

const id = fc.constantFrom("a", "b", "c");
const urls = fc.constantFrom("broker", "nowhere");
const step = fc.oneof(
  fc.record({
    type: fc.constant("put" as const),
    ...{ id, url: urls, durable: fc.boolean(), subscriptions: fc.nat(3), logDurable: fc.boolean() },
  }),
  fc.record({ type: fc.constant("post" as const), url: urls, async: fc.boolean() }),
  fc.record({ type: fc.constant("delete" as const), id, force: fc.boolean() }),
  fc.record({ type: fc.constant("subscribe" as const), id, n: fc.nat(3) }),
  fc.record({ type: fc.constant("unsubscribe" as const), id, n: fc.nat(3) }),
  fc.record({
    type: fc.constant("publish" as const),
    ...{ id, topic: fc.constantFrom("ack", "mute"), queue: fc.boolean(), key: fc.boolean() },
  }),
  fc.record({ type: fc.constant("empty" as const), id }),
  fc.record({ type: fc.constant("reconnect" as const), id }),
  fc.record({ type: fc.constant("read" as const), id }),
  fc.record({ type: fc.constant("lose" as const) }),
  fc.record({ type: fc.constant("restart" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One run of steps; those that do not fit are refused, which is as good. */
class Run {
  readonly #broker: ScriptedBroker;
  readonly #place: DurablePlace;
  readonly #tenant: string;
  shares: Shares | null = null;
  app: TestApp | null = null;
  #key = 0;

  constructor(broker: ScriptedBroker, place: DurablePlace, tenant: string) {
    this.#broker = broker;
    this.#place = place;
    this.#tenant = tenant;
  }

  async start(): Promise<TestApp> {
    const { environment } = this.#place;
    this.shares = processShares(parseSettings(environment), systemClock.monotonic);
    this.app = await this.#place.start(environment, {
      shares: this.shares,
      principal: principalOf(this.#tenant),
    });
    return this.app;
  }

  /** Stops the app: nothing may be left that counts. */
  async stop(): Promise<void> {
    await this.app?.stop();
    assert.deepEqual(this.used(), {});
  }

  /** What is used of anything, by name. */
  used(): Record<string, number> {
    const { budgets } = this.shares!;
    const all = Object.entries(budgets).map(([name, { used }]) => [name, used] as const);
    return Object.fromEntries(all.filter(([, used]) => used !== 0));
  }

  async perform(asked: Step): Promise<void> {
    const app = this.app!;
    const url = "url" in asked && asked.url === "nowhere" ? "mqtt://127.0.0.1:1" : this.#broker.url;
    const path = "id" in asked ? `/connections/${asked.id}` : "";
    switch (asked.type) {
      case "put": {
        const subscriptions = Array.from({ length: asked.subscriptions }, (_, n) => ({
          topicFilter: `t/${n}`,
        }));
        const log = asked.durable && asked.logDurable ? { log: { durable: true } } : {};
        const request = { url, durable: asked.durable, subscriptions, ...log, reconnect: { minDelayMs: 50 } };
        await app.call("PUT", path, request, { prefer: "respond-async" });
        return;
      }
      case "post":
        await app.open({ url, subscriptions: [{ topicFilter: "t/#" }] }, asked.async ? "?wait=0.05" : "");
        return;
      case "delete":
        await app.call("DELETE", `${path}${asked.force ? "?force=true" : ""}`);
        return;
      case "subscribe":
        await app.call("POST", `${path}/subscriptions?wait=0.1`, { topicFilter: `t/${asked.n}`, qos: 1 });
        return;
      case "unsubscribe":
        await app.call("DELETE", `${path}/subscriptions/${encodeURIComponent(`t/${asked.n}`)}?wait=0.1`);
        return;
      case "publish": {
        this.#key += 1;
        const key = asked.key ? { "idempotency-key": `k${this.#key % 5}` } : {};
        const when = asked.queue ? "queue=60" : "wait=0.05";
        const query = `topic=${asked.topic}&qos=1&${when}`;
        await app.call("POST", `${path}/publish?${query}`, "payload", {
          "content-type": "text/plain",
          ...key,
        });
        return;
      }
      case "empty": {
        const { body } = await app.call("GET", `${path}/outbox`);
        for (const { id: one } of body?.items ?? []) await app.call("DELETE", `${path}/outbox/${one}`);
        return;
      }
      case "reconnect":
        await app.call("POST", `${path}/reconnect?wait=0.1`);
        return;
      case "read":
        await app.call("GET", `${path}/messages?wait=0.05&subscribe=t/%23`);
        return;
      case "lose":
        for (const peer of this.#broker.peers) peer.reset();
        return;
      case "restart":
        await this.stop();
        await this.start();
        return;
      default:
        asked satisfies never;
    }
  }
}

/** Resolves when all that is used is among `allowed`. */
async function settles(run: Run, allowed: readonly string[]): Promise<void> {
  const left = () => Object.keys(run.used()).filter((name) => !allowed.includes(name));
  for (const end = Date.now() + 15_000; left().length > 0 && Date.now() < end;)
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(left(), [], JSON.stringify(run.used()));
}

describe("budgets", () => {
  for (const tenant of ["default", "t"]) {
    it(
      `are given back, whatever was done: by deleting, by stopping, and after restarts (tenant ${tenant})`,
      async () => {
        const runs = fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
          fc.boolean(),
          async (batches, deletes) => {
            await using broker = await startScriptedBroker(talks);
            await using place = durablePlace();
            const run = new Run(broker, place, tenant);
            await run.start();
            for (const batch of batches) {
              // A restart has nothing beside it.
              if (batch.some(({ type }) => type === "restart")) await run.perform({ type: "restart" });
              const others = batch.filter(({ type }) => type !== "restart");
              await Promise.all(others.map((one) => run.perform(one)));
            }
            if (deletes) {
              const { body } = await run.app!.call("GET", "/connections?limit=100");
              for (const { id: one } of body.items)
                await run.app!.call("DELETE", `/connections/${one}?force=true`);
              await settles(run, ["logBytes", "idempotencyKeys", "idempotencyBytes"]);
            }
            await run.stop();
          },
        );
        await fc.assert(runs, { numRuns: 12, endOnFailure: true });
      },
      { timeout: 120_000 },
    );
  }
});
