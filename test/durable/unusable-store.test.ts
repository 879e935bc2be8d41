import assert from "node:assert/strict";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, secretKey } from "../support/durable-app.ts";
import { startMain } from "../support/program.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

interface Case {
  readonly name: string;
  readonly spoil: (file: string) => void;
  readonly says: RegExp;
  readonly key?: string;
}

function change(file: string, statement: string): void {
  const database = new DatabaseSync(file);
  database.exec(statement);
  database.close();
}

const cases: readonly Case[] = [
  {
    name: "of a newer version",
    spoil: (file) => change(file, "PRAGMA user_version = 99"),
    says: /was written by a newer Connack \(its version is 99/,
  },
  {
    name: "of something else",
    spoil: (file) => change(file, "PRAGMA application_id = 7"),
    says: /is a database, but not a store of Connack's/,
  },
  { name: "truncated", spoil: (file) => truncateSync(file, 20_000), says: /damaged|malformed/ },
  {
    name: "that is a text",
    spoil: (file) => writeFileSync(file, "text ".repeat(9_000)),
    says: /not a database/,
  },
  {
    name: "with a secret that was sealed with another key",
    spoil: () => {},
    says: /the key [0-9a-f]{8} is not among those/,
    key: Buffer.alloc(32, 9).toString("base64"),
  },
];

/** What is in the files of a store, by name. */
function bytesOf(file: string): Map<string, string> {
  const folder = dirname(file);
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

/** What was promised, and not how the store was used. */
function promises(file: string): unknown {
  const database = new DatabaseSync(file);
  const tables = ["records WHERE space != 'idempotency-time'", "logs", "entries"];
  const all = tables.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  database.close();
  return all;
}

/** A start on the file, which is refused: its line on standard error, but for those of the log, that it waits. */
async function refusal(file: string, key: string): Promise<string> {
  await using server = startMain({ CONNACK_STORE: `sqlite:${file}`, CONNACK_SECRET_KEY: key });
  assert.equal(await server.exited, 1, server.output());
  const lines = server
    .output()
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("{"));
  assert.equal(lines.length, 1, server.output());
  return lines[0] ?? "";
}

describe("S64: main.ts on a store that cannot be used ends with status 1 and one line", () => {
  for (const { name, spoil, says, key = secretKey } of cases)
    it(`${name}; nothing is changed`, async () => {
      await using broker = await startScriptedBroker(accepts());
      await using place = durablePlace();
      const app = await place.start();
      const request = { url: broker.url, username: "u", password: "secret" };
      for (let n = 0; n < 20; n += 1)
        assert.equal((await app.call("PUT", `/connections/c${n}`, request)).status, 201);
      await app.stop();
      spoil(place.file);
      const sealed = key !== secretKey;
      const before = sealed ? promises(place.file) : bytesOf(place.file);
      const line = await refusal(place.file, key);
      assert.match(line, says);
      assert.ok(sealed || line.includes(place.file), line);
      assert.ok(!line.includes(key) && !line.includes(secretKey));
      assert.deepEqual(sealed ? promises(place.file) : bytesOf(place.file), before);
    });

  it("that another process has; that one goes on", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const app = await place.start();
    assert.equal((await app.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    assert.match(await refusal(place.file, secretKey), /connack\.db .*another process has it open/);
    assert.equal((await app.call("PUT", "/connections/next", { url: broker.url })).status, 201);
    assert.equal((await app.call("POST", "/connections/home/ping")).status, 200);
  });
});
