/** Run as a program: `main.ts` whose start is held up: `migration <gate file>`, `failing-migration` or `restore`. */
import { loadSettings, start } from "../../src/run.ts";
import { openStore } from "../../src/store/open.ts";
import type { OpeningOptions } from "../../src/store/opening.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { migrations } from "../../src/store/sqlite-schema.ts";
import { GatedStore, thirdPage } from "./gated-store.ts";
import { gatedMigrations } from "./migration-gate.ts";

const [how, gateFile = ""] = (process.env["TEST_START"] ?? "").split(" ");
const settings = loadSettings(process.argv.slice(2));
if (settings === null || settings.store.kind !== "sqlite") throw new Error("A store in a file is needed");
const { file } = settings.store;

const openers: Record<string, (options: OpeningOptions) => ReturnType<typeof openStore>> = {
  migration: (options) =>
    openSqlite({ file, maxBytes: 1e9, busyTimeoutMs: 0, migrations: gatedMigrations(gateFile) }, options),
  "failing-migration": (options) =>
    openSqlite(
      {
        ...{ file, maxBytes: 1e9, busyTimeoutMs: 0 },
        migrations: [...migrations, ["CREATE TABLE newer (x TEXT)", "INSERT INTO missing VALUES (1)"]],
      },
      options,
    ),
  restore: async (options) =>
    new GatedStore(await openStore({ kind: "sqlite", file }, 1e9, 0, options), thirdPage),
};
const open = openers[how ?? ""];
if (open === undefined) throw new Error(`There is no start that is called ${how}`);
await start(settings, { overrides: { openStore: open } });
