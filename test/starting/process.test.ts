import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, type DurablePlace } from "../support/durable-app.ts";
import { freePort } from "../support/free-port.ts";
import { storeConnections } from "../support/many-connections.ts";
import { migrationGate, newer } from "../support/migration-gate.ts";
import { runtimeArguments, startMain, startProgram } from "../support/program.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { callAt, progressAt } from "../support/starting.ts";
import { describe, it } from "../support/test.ts";

/** A store with so many connections. */
async function scene(count: number) {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await startScriptedBroker(accepts()));
  const place = opened.use(durablePlace());
  await storeConnections(place, broker.url, count);
  const all = opened.move();
  return { broker, place, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** `main.ts` on it, whose start is held up, and its address, which it does not print before it takes calls. */
async function startHeld({ environment }: DurablePlace, how: string, args: readonly string[] = []) {
  const port = await freePort();
  const program = startProgram(
    process.execPath,
    [...runtimeArguments("test/support/slow-start-main.ts"), ...args],
    { ...environment, CONNACK_PORT: String(port), TEST_START: how },
  );
  return { program, url: `http://127.0.0.1:${port}` };
}

function versionOf(file: string): unknown {
  const database = new DatabaseSync(file);
  const found = database.prepare("SELECT name FROM sqlite_schema WHERE name = ?").get(newer.table);
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  const [sound] = database.prepare("PRAGMA integrity_check").all();
  database.close();
  assert.deepEqual(Object.values(sound ?? {}), ["ok"]);
  assert.equal(found !== undefined, version === newer.version, "half a migration");
  return version;
}

const isMigrating = (progress: { task: string; done: number } | null) =>
  progress?.task === "migration" && progress.done === 2;

describe("main.ts while it starts", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    it(`${signal} during a migration ends it with status 0, and the file is as it was`, async () => {
      await using here = await scene(1);
      const { file } = here.place;
      using gate = migrationGate(join(file, "..", "gate.db"));
      const { program, url } = await startHeld(here.place, `migration ${join(file, "..", "gate.db")}`);
      await using _ = program;
      await progressAt(url, isMigrating);
      program.signal(signal);
      assert.equal(await program.exited, 0, program.output());
      assert.match(program.output(), /"stopping"/);
      assert.doesNotMatch(program.output(), /listening on|cannot start/);
      gate.open();
      assert.equal(versionOf(file), newer.version - 1);
      await using after = startMain({ ...here.place.environment });
      await after.printed(/listening on/);
    });

  it("SIGHUP during a migration does not end it, and what was read again holds from the first dial on", async () => {
    await using here = await scene(1);
    const folder = join(here.place.file, "..");
    const config = join(folder, "config.json");
    writeFileSync(config, "{}");
    using gate = migrationGate(join(folder, "gate.db"));
    const how = `migration ${join(folder, "gate.db")}`;
    const { program, url } = await startHeld(here.place, how, ["--config", config]);
    await using _ = program;
    await progressAt(url, isMigrating);
    writeFileSync(config, JSON.stringify({ egressDeny: "loopback" }));
    program.signal("SIGHUP");
    await program.printed(/were read again/);
    const before = here.broker.peers.length;
    gate.open();
    await program.printed(/connack listening on/);
    const refused = await callAt(url, "POST", "/connections", { url: here.broker.url });
    assert.equal(refused.body.code, "destination-forbidden", refused.text);
    assert.equal(here.broker.peers.length, before);
    program.signal("SIGTERM");
    assert.equal(await program.exited, 0);
    assert.equal(versionOf(here.place.file), newer.version);
  });

  it("a migration that fails ends it with status 1 and the sentence that names the file", async () => {
    await using here = await scene(1);
    const { program } = await startHeld(here.place, "failing-migration");
    await using _ = program;
    assert.equal(await program.exited, 1, program.output());
    assert.match(
      program.output(),
      /cannot start: \S+connack\.db cannot be used as the store: no such table: missing/,
    );
    assert.doesNotMatch(program.output(), /listening on/);
    assert.equal(versionOf(here.place.file), newer.version - 1);
  });

  it("SIGTERM while connections are read back ends it with status 0, and the file is closed", async () => {
    await using here = await scene(1_200);
    const { program, url } = await startHeld(here.place, "restore");
    await using _ = program;
    await progressAt(url, (progress) => progress?.done === 500);
    program.signal("SIGTERM");
    assert.equal(await program.exited, 0, program.output());
    assert.doesNotMatch(program.output(), /listening on|cannot start/);
    const database = new DatabaseSync(here.place.file);
    assert.equal(database.prepare("SELECT clean FROM state").get()?.["clean"], 1);
    assert.equal(
      database.prepare("SELECT count(*) AS n FROM records WHERE space = 'connections'").get()?.["n"],
      1_200,
    );
    database.close();
  });

  it("tells in the log of what takes long: its beginning, and its end with the time", async () => {
    await using here = await scene(1);
    const folder = join(here.place.file, "..");
    using gate = migrationGate(join(folder, "gate.db"));
    const { program } = await startHeld(here.place, `migration ${join(folder, "gate.db")}`);
    await using _ = program;
    const begun = await program.printed(/.*migrating the store.*\n/);
    const { level, message, task, done, total } = JSON.parse(begun);
    assert.deepEqual(
      { level, message, task, done, total },
      {
        level: "info",
        message: "migrating the store from version 1 to 2",
        task: "migration",
        done: 2,
        total: 4,
      },
    );
    gate.open();
    const over = JSON.parse(await program.printed(/.*has been migrated.*\n/));
    assert.ok(over.seconds >= 1);
    await program.printed(/connack listening on/);
    assert.equal(program.output().match(/listening on/g)?.length, 1);
  });
});
