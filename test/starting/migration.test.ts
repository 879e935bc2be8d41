import assert from "node:assert/strict";
import { join } from "node:path";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { adminToken } from "../support/access.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, type DurablePlace } from "../support/durable-app.ts";
import { assertProblem } from "../support/invariants.ts";
import { migrationGate } from "../support/migration-gate.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { startOpening } from "../support/starting.ts";
import { describe, it } from "../support/test.ts";

/** A store of the present version with one connection, and a gate in front of the next version. */
async function scene() {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await startScriptedBroker(accepts()));
  const place = opened.use(durablePlace());
  const app = await place.start();
  assert.equal((await app.call("PUT", "/connections/home", { url: broker.url })).status, 201);
  await app.stop();
  const gate = opened.use(migrationGate(join(place.file, "..", "gate.db")));
  const all = opened.move();
  return { place, gate, broker, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const through = ({ file }: DurablePlace, migrations: readonly (readonly string[])[]): AppOverrides => ({
  openStore: (options) => openSqlite({ file, maxBytes: 1e9, busyTimeoutMs: 0, migrations }, options),
});

const isHeld = (progress: { task: string; done: number } | null) =>
  progress?.task === "migration" && progress.done === 2;

describe("while a store is migrated", () => {
  it("healthz is well, readyz tells how far it is, and all other calls are told to come again", async () => {
    await using here = await scene();
    await using starting = startOpening(here.place.environment, through(here.place, here.gate.migrations));
    const held = await starting.progress(isHeld);
    assert.deepEqual(held, { task: "migration", done: 2, total: 4 });
    assert.deepEqual((await starting.call("GET", "/healthz")).body, { ok: true });
    const ready = await starting.call("GET", "/readyz");
    assert.equal(ready.status, 503);
    assert.deepEqual(ready.body, { ready: false, progress: held });
    for (const [method, path] of [
      ["GET", "/connections"],
      ["PUT", "/connections/home"],
      ["POST", "/connections"],
      ["DELETE", "/connections/home"],
      ["GET", "/metrics"],
      ["GET", "/events"],
      ["POST", "/healthz"],
      ["GET", "/no/such/path"],
    ] as const) {
      const answer = await starting.call(method, path, method === "GET" ? undefined : {});
      assertProblem(answer, 503, "starting");
      assert.equal(answer.body.retryable, true);
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d?$/);
    }
    here.gate.open();
    await starting.opened;
    assert.equal((await starting.call("GET", "/connections/home")).status, 200);
  });

  it("the page and the meaning of the problem are there, as they are afterwards", async () => {
    await using here = await scene();
    await using starting = startOpening(here.place.environment, through(here.place, here.gate.migrations));
    await starting.progress(isHeld);
    const paths = ["/", "/dashboard/style.css", "/problems/starting", "/problems", "/dashboard/none"];
    const see = () =>
      Promise.all(
        paths.map(async (path) => {
          const { status, headers, text } = await starting.call("GET", path);
          const names = [
            "content-type",
            "content-security-policy",
            "etag",
            "cache-control",
            "x-frame-options",
          ];
          return [path, status, names.map((name) => headers.get(name)), status === 200 ? text : ""];
        }),
      );
    const before = await see();
    assert.deepEqual(
      before.map(([, status]) => status),
      [200, 200, 200, 200, 404],
    );
    here.gate.open();
    await starting.opened;
    assert.deepEqual(await see(), before);
  });

  it("only operators see how far it is: with access control, the admin token says who that is", async () => {
    await using here = await scene();
    const environment = { ...here.place.environment, CONNACK_ADMIN_TOKEN: adminToken };
    await using starting = startOpening(environment, through(here.place, here.gate.migrations));
    const ask = async (authorization?: string) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const { status, body } = await starting.call("GET", "/readyz", undefined, headers);
      assert.equal(status, 503);
      return body;
    };
    while (!isHeld((await ask(`Bearer ${adminToken}`)).progress)) await new Promise(setImmediate);
    for (const nobody of [undefined, "Bearer wrong", `Basic ${adminToken}`, `Bearer ${adminToken}x`])
      assert.deepEqual(await ask(nobody), { ready: false });
    here.gate.open();
    await starting.opened;
  });

  it("a page of another site, and another host's name, are refused as ever", async () => {
    await using here = await scene();
    await using starting = startOpening(here.place.environment, through(here.place, here.gate.migrations));
    const foreign = await starting.call("GET", "/connections", undefined, {
      origin: "https://elsewhere.example",
    });
    assertProblem(foreign, 403, "cross-site-request");
    assert.equal(foreign.headers.get("x-content-type-options"), "nosniff");
    here.gate.open();
    await starting.opened;
  });

  it("a stop gives it up at once", async () => {
    await using here = await scene();
    await using starting = startOpening(here.place.environment, through(here.place, here.gate.migrations));
    await starting.progress(isHeld);
    await starting.app.close();
    await assert.rejects(starting.opened, /given up/);
  });
});
