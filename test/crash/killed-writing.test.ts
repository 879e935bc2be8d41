import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { secretKey } from "../support/durable-app.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { cannotTrace, startTraced } from "../support/strace.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const calls = "openat,unlink,unlinkat,ftruncate,pwrite64,fsync,fdatasync";

/** Starts, and is killed at its nth call that changes the store's files; false when it made fewer until it listened. */
async function killedAt(n: number, file: string): Promise<boolean> {
  const kill = `inject=${calls}:signal=SIGKILL:when=${n}`;
  const paths = ["", "-journal", "-wal", ".reserve"].flatMap((end) => ["-P", `${file}${end}`]);
  await using server = startTraced(`${file}.trace`, ["-e", kill, ...paths], {
    CONNACK_STORE: `sqlite:${file}`,
    CONNACK_SECRET_KEY: secretKey,
  });
  const killed = await server.printed(/listening/).then(
    () => false,
    () => true,
  );
  // Nothing that strace, or the program, would have to complain about.
  assert.match(server.output(), /^(connack listening .*\n)?$/);
  return killed;
}

/** An ordinary start works, and what is promised then is kept. */
async function works(file: string, url: string): Promise<void> {
  const environment = { CONNACK_STORE: `sqlite:${file}`, CONNACK_SECRET_KEY: secretKey };
  {
    await using app = await startApp(environment);
    const put = await app.call("PUT", "/connections/home", { url });
    assert.equal(put.status, 201, put.text);
  }
  await using app = await startApp(environment);
  assert.equal((await app.call("GET", "/connections/home")).status, 200);
}

/** Kills at the first, second, … change, in steps, until a start is through; the number of kills. */
async function killEverywhere(step: number, prepare: (file: string) => void): Promise<number> {
  await using broker = await startScriptedBroker(accepts());
  for (let kills = 0; ; kills += 1) {
    using directory = temporaryDirectory();
    const file = join(directory.path, "connack.db");
    prepare(file);
    const killed = await killedAt(1 + kills * step, file);
    await works(file, broker.url);
    if (!killed) return kills;
  }
}

describe("S60: kill -9 at a write to the store's files", () => {
  it(
    "of the first start: the next one works",
    async () => {
      assert.ok((await killEverywhere(2, () => {})) > 5);
    },
    { skip: cannotTrace(), timeout: 60_000 },
  );

  it(
    "of a migration from version 0: the next one works",
    async () => {
      const empty = (file: string) => {
        const database = new DatabaseSync(file);
        database.exec("PRAGMA journal_mode = WAL");
        database.exec("PRAGMA application_id = 0x434e414b");
        database.close();
      };
      assert.ok((await killEverywhere(3, empty)) > 3);
    },
    { skip: cannotTrace(), timeout: 60_000 },
  );
});
