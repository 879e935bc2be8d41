import { randomBytes } from "node:crypto";
import type { StoreSetting } from "../settings.ts";
import { MemoryStore } from "./memory.ts";
import { openSqlite } from "./sqlite.ts";
import type { OpeningOptions } from "./opening.ts";
import type { Store } from "./store.ts";

/** How long a process that is being replaced has to let go of the file. */
const replacedWithinMs = 5_000;

/**
 * Opens the store that the settings name.
 *
 * @throws {Error} with a sentence for the operator, when it cannot be used
 * @throws {StoreInUse} when another process has it, and has not let go of it within `busyTimeoutMs`
 */
export async function openStore(
  setting: StoreSetting,
  maxBytes: number,
  busyTimeoutMs = replacedWithinMs,
  options: OpeningOptions = {},
): Promise<Store> {
  if (setting.kind === "memory") return new MemoryStore(randomBytes(6).toString("hex"));
  if (setting.kind === "nats") throw new Error("One shard of a store on NATS is opened by its owner");
  return openSqlite({ file: setting.file, maxBytes, busyTimeoutMs }, options);
}
