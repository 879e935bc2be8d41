import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, type DurablePlace } from "../support/durable-app.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const canary = "canary-pass-word";
const key = { "idempotency-key": "the-key-of-the-call" };
const json = { "content-type": "application/json" };

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** As the middleware has it; the test of what is plain tells whether it still is. */
function fingerprintOf(path: string, body: object): string {
  const { pathname, search } = new URL(path, "http://x");
  return createHash("sha256")
    .update(JSON.stringify(["POST", pathname, search, Object.entries(json)]))
    .update(JSON.stringify(body))
    .digest("base64");
}

/** Whether a text is in any file of the store, of which the write-ahead log is one. */
function isStored(place: DurablePlace, text: string): boolean {
  const folder = dirname(place.file);
  return readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(text));
}

const open = (app: TestApp, request: object) => app.call("POST", "/connections", request, key);
const isReplayed = ({ headers }: Awaited<ReturnType<typeof open>>) =>
  headers.get("idempotent-replayed") === "true";

describe("what the store has of calls with an Idempotency-Key", () => {
  it("of POST /connections: sealed, neither a password nor a hash to try passwords on; replayed after a restart", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const request = { url: broker.url, username: "u", password: canary };
    const first = await place.start();
    const opened = await open(first, request);
    assert.equal(opened.status, 201, opened.text);
    const hidden = [canary, fingerprintOf("/connections", request), base64(opened.text)];
    for (const text of hidden) assert.ok(!isStored(place, text), text);
    await first.stop();
    for (const text of hidden) assert.ok(!isStored(place, text), text);
    assert.ok(isStored(place, key["idempotency-key"]));

    const second = await place.start();
    const again = await open(second, request);
    assert.deepEqual([again.status, again.text, isReplayed(again)], [201, opened.text, true]);
    assert.equal(broker.peers.length, 1);
    const other = await open(second, { ...request, password: "another" });
    assert.equal(other.body.code, "idempotency-key-reused");
  });

  it("without a secret key: nothing of POST /connections, which is free after a restart", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const { CONNACK_SECRET_KEY: _, ...environment } = place.environment;
    const request = { url: broker.url, username: "u", password: canary };
    const first = await place.start(environment);
    const opened = await open(first, request);
    assert.equal(opened.status, 201, opened.text);
    assert.ok(isReplayed(await open(first, request)));
    await first.stop();
    for (const text of [canary, fingerprintOf("/connections", request), key["idempotency-key"]])
      assert.ok(!isStored(place, text), text);
    const second = await place.start(environment);
    const again = await open(second, request);
    assert.deepEqual([again.status, isReplayed(again)], [201, false], again.text);
    assert.equal(broker.peers.length, 2);
    assert.ok(!first.logs.join("\n").includes("could not be kept"));
  });

  it("of a publish, which is no secret: as it is, with a secret key or without", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const { CONNACK_SECRET_KEY: _, ...environment } = place.environment;
    const path = "/connections/home/publish";
    const message = { topic: "a", payload: "x" };
    const publish = (app: TestApp) => app.call("POST", path, message, { ...key, ...json });
    const first = await place.start(environment);
    assert.equal((await first.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    const published = await publish(first);
    assert.equal(published.status, 202, published.text);
    await first.stop();
    for (const text of [fingerprintOf(path, message), base64(published.text)])
      assert.ok(isStored(place, text), text);
    for (const more of [environment, place.environment]) {
      const app = await place.start(more);
      const again = await publish(app);
      assert.deepEqual([again.text, isReplayed(again)], [published.text, true]);
      await app.stop();
    }
  });

  it("of POST /webhooks: sealed; the secret is shown again to whoever asks again, also after a restart", async () => {
    await using place = durablePlace();
    const request = { url: "http://127.0.0.1:9/hook", topics: ["#"] };
    const create = (app: TestApp) => app.call("POST", "/webhooks", request, key);
    const first = await place.start();
    const created = await create(first);
    assert.equal(created.status, 201, created.text);
    assert.match(created.body.secret, /^whsec_/);
    await first.stop();
    for (const text of [created.body.secret, fingerprintOf("/webhooks", request), base64(created.text)])
      assert.ok(!isStored(place, text), text);
    const second = await place.start();
    const again = await create(second);
    assert.deepEqual([again.status, again.text, isReplayed(again)], [201, created.text, true]);
    assert.equal((await second.call("GET", "/webhooks")).body.items.length, 1);
  });

  it("with another secret key and no other secrets in the store: starts, with one warning", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const request = { url: broker.url, username: "u", password: canary };
    const first = await place.start();
    assert.equal((await open(first, request)).status, 201);
    await first.stop();
    const young = Buffer.alloc(32, 9).toString("base64");
    const second = await place.start({ ...place.environment, CONNACK_SECRET_KEY: young });
    assert.equal(second.logs.filter((line) => line.includes("cannot be read, or not be opened")).length, 1);
    const again = await open(second, request);
    assert.deepEqual([again.status, isReplayed(again)], [201, false], again.text);
  });

  it("with a wrong secret key and a start that is refused for it: still all", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const request = { url: broker.url, username: "u", password: canary, durable: true };
    const first = await place.start();
    assert.equal((await open(first, request)).status, 201);
    await first.stop();
    const wrong = Buffer.alloc(32, 9).toString("base64");
    await assert.rejects(place.start({ ...place.environment, CONNACK_SECRET_KEY: wrong }), /is not among/);
    assert.ok(isReplayed(await open(await place.start(), request)));
  });
});
