import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate, migrations } from "../../src/store/sqlite-schema.ts";
import { describe, it } from "../support/test.ts";

const version = (database: DatabaseSync) =>
  Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0];

describe("migrate()", () => {
  it("makes the steps that are missing, each once", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, 0);
    assert.equal(version(database), migrations.length);
    const steps = [...migrations, ["CREATE TABLE more (x TEXT)", "INSERT INTO more VALUES ('1')"]];
    migrate(database, migrations.length, steps);
    migrate(database, migrations.length + 1, steps);
    assert.equal(version(database), migrations.length + 1);
    assert.equal(database.prepare("SELECT count(*) AS n FROM more").get()?.["n"], 1);
    database.close();
  });

  it("tells how many statements have run, of those of all steps that are missing", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, 0);
    const told: string[] = [];
    const steps = [...migrations, ["CREATE TABLE a (x TEXT)", "CREATE TABLE b (x TEXT)"], ["DROP TABLE a"]];
    migrate(database, migrations.length, steps, (done, total) => told.push(`${done}/${total}`));
    assert.deepEqual(told, ["0/3", "1/3", "2/3", "3/3"]);
    migrate(database, steps.length, steps, () => assert.fail("There is nothing to do"));
    database.close();
  });

  it("a step that fails leaves nothing of itself, and those before it", () => {
    const database = new DatabaseSync(":memory:");
    const steps = [...migrations, ["CREATE TABLE more (x TEXT)", "INSERT INTO missing VALUES (1)"]];
    assert.throws(() => migrate(database, 0, steps), /no such table: missing/);
    database.exec("ROLLBACK");
    assert.equal(version(database), migrations.length);
    assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'more'").get(), undefined);
    database.close();
  });
});
