import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { DurablePlace } from "./durable-app.ts";

/** Makes a connection to `url` as callers do, and then so many in all, as though each had been made so. */
export async function storeConnections(place: DurablePlace, url: string, count: number): Promise<void> {
  const app = await place.start();
  const put = await app.call("PUT", "/connections/c0", { url });
  assert.equal(put.status, 201, put.text);
  await app.stop();
  const database = new DatabaseSync(place.file);
  const row = database.prepare("SELECT value FROM records WHERE space = 'connections' AND key = 'c0'").get();
  const record = JSON.parse(String(row?.["value"])) as { incarnation: string; clientId: string };
  const insert = database.prepare("INSERT INTO records (space, key, value) VALUES ('connections', ?, ?)");
  database.exec("BEGIN");
  for (let n = 1; n < count; n += 1) {
    const { incarnation, clientId } = record;
    const own = { ...record, incarnation: `${incarnation}${n}`, clientId: `${clientId}-${n}` };
    insert.run(`c${n}`, JSON.stringify(own));
  }
  database.exec("COMMIT");
  database.close();
}
