import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../routes/context.ts";
import { idempotent } from "../../routes/middleware/idempotency.ts";
import { Budget } from "../../src/budget.ts";
import { openPrincipal } from "../../src/access/principal.ts";
import { systemClock } from "../../src/clock.ts";
import { IdempotencyJournal } from "../../src/idempotency-journal.ts";
import { IdempotencyKeys } from "../../src/idempotency.ts";
import { createLogger } from "../../src/log.ts";
import { plainSealer } from "../../src/sealing.ts";
import { StoredTime } from "../../src/stored-time.ts";
import type { Tenant } from "../../src/tenant.ts";
import { ControlledStore } from "../support/controlled-store.ts";
import { describe, it } from "../support/test.ts";

/** A route that counts its calls, with answers that are kept in a store. */
async function start(store: ControlledStore) {
  const logger = createLogger({ level: "error", format: "json", write: () => undefined, now: () => 0 });
  const lease = await store.acquire();
  const time = await StoredTime.read(store, systemClock);
  const journal = new IdempotencyJournal({ store, lease, sealer: plainSealer, time }, logger);
  const budgets = { keys: new Budget("", 10), bytes: new Budget("", 1_000) };
  const keys = new IdempotencyKeys(budgets, systemClock.monotonic, journal);
  await keys.restore();
  let calls = 0;
  const { promise: called, resolve } = Promise.withResolvers<void>();
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("tenant", { idempotency: keys } as Tenant);
    c.set("principal", openPrincipal());
    c.set("body", new Uint8Array(await c.req.arrayBuffer()));
    await next();
  });
  app.post("/", idempotent(), (c) => {
    calls += 1;
    resolve();
    return c.body(`call ${calls}`, 201, { etag: `"${calls}"`, "x-other": "o" });
  });
  const post = async (body: string) =>
    app.request("/", { method: "POST", body, headers: { "idempotency-key": "k" } });
  return { post, called, calls: () => calls };
}

describe("Idempotency-Key with a store", () => {
  it("no answer leaves before it is kept", async () => {
    const store = new ControlledStore("e");
    const { post, called } = await start(store);
    const release = store.hold();
    let left = false;
    const answering = post("b").finally(() => (left = true));
    await called;
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    assert.equal(left, false);
    release();
    assert.equal((await answering).status, 201);
  });

  it("after a restart the first answer is given again, and nothing is done", async () => {
    const store = new ControlledStore("e");
    const first = await (await start(store)).post("b");
    const { post, calls } = await start(store);
    const second = await post("b");
    assert.equal(calls(), 0);
    assert.deepEqual([second.status, await second.text()], [first.status, await first.text()]);
    assert.equal(second.headers.get("etag"), '"1"');
    assert.equal(second.headers.get("idempotent-replayed"), "true");
  });

  it("the answer leaves all the same when the store refuses", async () => {
    const store = new ControlledStore("e");
    const { post, calls } = await start(store);
    store.refusal = "unavailable";
    assert.equal(await (await post("b")).text(), "call 1");
    assert.equal(await (await post("b")).text(), "call 1");
    assert.equal(calls(), 1);
  });
});
