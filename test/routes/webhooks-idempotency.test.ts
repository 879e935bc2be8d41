import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { ControlledStore } from "../support/controlled-store.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { describe, it } from "../support/test.ts";

const key = { "idempotency-key": "k1" };
const request = { url: "http://127.0.0.1:9/hook", topics: ["a/#"] };
const create = (rig: Rig, body: object) => rig.call("POST", "/webhooks", body, key);

describe("POST /webhooks with an Idempotency-Key", () => {
  itHolds("makes one webhook, and shows its secret to whoever asks again", async (rig) => {
    const first = await create(rig, request);
    const second = await create(rig, request);
    assert.equal(first.status, 201, first.text);
    assert.deepEqual([second.status, second.text], [201, first.text]);
    assert.match(second.body.secret, /^whsec_/);
    assert.equal(second.headers.get("idempotent-replayed"), "true");
    for (const name of ["location", "cache-control"])
      assert.equal(second.headers.get(name), first.headers.get(name), name);
    assert.equal((await rig.call("GET", "/webhooks")).body.items.length, 1);
    assertProblem(await create(rig, { ...request, topics: ["b"] }), 422, "idempotency-key-reused");
  });

  itHolds("stays free after a request that is wrong", async (rig) => {
    assertProblem(await create(rig, { ...request, topics: [] }), 422, "invalid-request");
    assert.equal((await create(rig, request)).status, 201);
  });

  for (const refusal of ["full", "unavailable"] as const) {
    it(`stays free when the store has certainly not kept the webhook (${refusal})`, async () => {
      const store = new ControlledStore("e");
      await using app = await startApp({}, { store });
      store.refusal = refusal;
      const refused = await app.call("POST", "/webhooks", request, key);
      assert.ok(refused.status === 503 || refused.status === 507, refused.text);
      store.refusal = null;
      const created = await app.call("POST", "/webhooks", request, key);
      assert.deepEqual([created.status, created.headers.get("idempotent-replayed")], [201, null]);
      assert.equal((await app.call("GET", "/webhooks")).body.items.length, 1);
    });
  }
});
