import { join } from "node:path";
import { MemoryStore } from "../../src/store/memory.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { describeStore } from "../contract/store.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describeStore("memory", async () => {
  const store = new MemoryStore("e");
  return { store, lease: await store.acquire(), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
});

describeStore("sqlite", async () => {
  const directory = temporaryDirectory();
  const store = await openSqlite({
    file: join(directory.path, "connack.db"),
    maxBytes: 1_073_741_824,
    busyTimeoutMs: 0,
  });
  return {
    store,
    lease: await store.acquire(),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
});
