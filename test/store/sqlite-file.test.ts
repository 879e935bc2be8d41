import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Opening } from "../../src/store/opening.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { migrations } from "../../src/store/sqlite-schema.ts";
import type { Lease, Store } from "../../src/store/store.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const maxBytes = 1_073_741_824;

interface Place {
  readonly file: string;
  open(): Promise<{ store: Store; lease: Lease }>;
}

function inDirectory(name: string, body: (place: Place) => Promise<void>): void {
  it(name, async () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, "data", "connack.db");
    await body({
      file,
      open: async () => {
        const store = await openSqlite({ file, maxBytes, busyTimeoutMs: 0 });
        return { store, lease: await store.acquire() };
      },
    });
  });
}

const put = (key: string, value: string) => ({ type: "put", space: "s", key, value }) as const;

async function filled(place: Place): Promise<string> {
  const { store, lease } = await place.open();
  for (let n = 0; n < 200; n += 1) await store.commit(lease, [put(`k${n}`, `value ${n} `.repeat(50))]);
  await store.commit(lease, [{ type: "append", logs: ["l"], data: "entry" }]);
  await store[Symbol.asyncDispose]();
  return store.epoch;
}

describe("an SQLite store's file", () => {
  inDirectory("is made with its folder, which is the owner's alone", async (place) => {
    const { store } = await place.open();
    assert.equal(statSync(join(place.file, "..")).mode & 0o777, 0o700);
    for (const end of ["", "-wal", ".reserve"])
      assert.equal(statSync(`${place.file}${end}`).mode & 0o777, 0o600, end);
    await store[Symbol.asyncDispose]();
    assert.ok(existsSync(place.file));
  });

  inDirectory("is the owner's alone again when it was restored for everybody to read", async (place) => {
    await filled(place);
    // A log that a crash has left.
    writeFileSync(`${place.file}-wal`, "");
    for (const end of ["", "-wal", ".reserve"]) chmodSync(`${place.file}${end}`, 0o664);
    const { store, lease } = await place.open();
    await store.commit(lease, [put("k", "v")]);
    for (const end of ["", "-wal"]) assert.equal(statSync(`${place.file}${end}`).mode & 0o777, 0o600, end);
    await store[Symbol.asyncDispose]();
  });

  inDirectory(
    "opened again it has what was kept, under the same epoch, and goes on counting",
    async (place) => {
      const epoch = await filled(place);
      const { store, lease } = await place.open();
      assert.equal(store.epoch, epoch);
      assert.equal(await store.get("s", "k199"), "value 199 ".repeat(50));
      const [entry] = await store.entries("l", 0, 10);
      await store.commit(lease, [{ type: "trim", log: "l", through: entry?.position ?? 0 }]);
      await store[Symbol.asyncDispose]();
      const again = await place.open();
      const [position = 0] = await again.store.commit(again.lease, [
        { type: "append", logs: ["l"], data: "next" },
      ]);
      assert.ok(position > (entry?.position ?? 0));
      await again.store[Symbol.asyncDispose]();
    },
  );

  inDirectory("another one has another epoch", async (place) => {
    const { store } = await place.open();
    await store[Symbol.asyncDispose]();
    using elsewhere = temporaryDirectory();
    const other = await openSqlite({ file: join(elsewhere.path, "x.db"), maxBytes, busyTimeoutMs: 0 });
    assert.notEqual(other.epoch, store.epoch);
    await other[Symbol.asyncDispose]();
  });

  inDirectory(
    "S64: is locked against a second opening, which is told so and harms nothing",
    async (place) => {
      const { store, lease } = await place.open();
      await assert.rejects(
        place.open(),
        /connack\.db cannot be used as the store: another process has it open/,
      );
      await store.commit(lease, [put("k", "v")]);
      assert.equal(await store.get("s", "k"), "v");
      await store[Symbol.asyncDispose]();
    },
  );

  inDirectory(
    "tells that it waits for another process, and that it looks through what was not closed",
    async (place) => {
      const { store } = await place.open();
      const told: string[] = [];
      const waiting = Promise.withResolvers<void>();
      const onOpening = (opening: Opening) => {
        told.push(opening.step);
        waiting.resolve();
      };
      const second = openSqlite({ file: place.file, maxBytes, busyTimeoutMs: 20_000 }, { onOpening });
      await waiting.promise;
      assert.deepEqual(told, ["waiting"]);
      await store[Symbol.asyncDispose]();
      await (await second)[Symbol.asyncDispose]();
      const database = new DatabaseSync(place.file);
      database.exec("UPDATE state SET clean = 0");
      database.close();
      const third = await openSqlite({ file: place.file, maxBytes, busyTimeoutMs: 20_000 }, { onOpening });
      assert.deepEqual(told, ["waiting", "checking"]);
      await third[Symbol.asyncDispose]();
    },
  );

  inDirectory("S64: of a newer version is refused, and left as it is", async (place) => {
    await filled(place);
    const database = new DatabaseSync(place.file);
    database.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    database.close();
    const before = readFileSync(place.file);
    await assert.rejects(place.open(), /was written by a newer Connack/);
    assert.deepEqual(readFileSync(place.file), before);
  });

  inDirectory("S64: a database of something else is refused, and left as it is", async (place) => {
    await filled(place);
    const database = new DatabaseSync(place.file);
    database.exec("PRAGMA application_id = 7");
    database.close();
    await assert.rejects(place.open(), /not a store of Connack's/);
  });

  inDirectory("S64: what is no database is refused, and left as it is", async (place) => {
    await filled(place);
    writeFileSync(place.file, "x".repeat(10_000));
    await assert.rejects(place.open(), /it is damaged, or not a database/);
    assert.equal(readFileSync(place.file, "utf8"), "x".repeat(10_000));
  });

  inDirectory("S64: a truncated file is refused", async (place) => {
    await filled(place);
    truncateSync(place.file, 20_000);
    await assert.rejects(place.open(), /damaged|malformed/);
  });

  inDirectory(
    "S64: after an unclean stop flipped bits are found before anything is believed",
    async (place) => {
      await filled(place);
      const database = new DatabaseSync(place.file);
      database.exec("UPDATE state SET clean = 0");
      database.close();
      const bytes = readFileSync(place.file);
      // In the middle of the largest table: pages hold cell pointers at their beginning.
      for (let at = 8 * 4_096; at < 8 * 4_096 + 64; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      writeFileSync(place.file, bytes);
      await assert.rejects(place.open(), /connack\.db is damaged/);
    },
  );

  inDirectory("S64: an older version is migrated, and what was interrupted begins again", async (place) => {
    const { store } = await place.open();
    await store[Symbol.asyncDispose]();
    // As a process that was killed before its first migration was whole has left it.
    const database = new DatabaseSync(place.file);
    for (const table of ["state", "records", "logs", "entries"]) database.exec(`DROP TABLE ${table}`);
    database.exec("PRAGMA user_version = 0");
    database.close();
    const again = await place.open();
    await again.store.commit(again.lease, [put("k", "v")]);
    assert.equal(await again.store.get("s", "k"), "v");
    await again.store[Symbol.asyncDispose]();
  });

  it("S64: a place where no file can be is told", async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, "taken"), "");
    const file = join(directory.path, "taken", "connack.db");
    const opened = openSqlite({ file, maxBytes, busyTimeoutMs: 0 });
    await assert.rejects(opened, /connack\.db cannot be used as the store: /);
  });
});
