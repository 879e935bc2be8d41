import assert from "node:assert/strict";
import { createApp } from "../../src/app.ts";
import { parseSettings } from "../../src/settings.ts";
import { StoreError } from "../../src/store/store.ts";
import { quiet } from "../support/access.ts";
import { RiggedStore } from "../support/rigged-store.ts";
import { describe, it } from "../support/test.ts";

describe("A service that a process begins again and again", () => {
  it("listens to nobody any more when it could not be opened", async () => {
    const store = new RiggedStore();
    store.logs = () => Promise.reject(new StoreError("unavailable", "The test has it so"));
    const heard = new Set<unknown>();
    const follow = {
      heardUses: (listener: unknown) => {
        heard.add(listener);
        return () => void heard.delete(listener);
      },
    };
    for (let round = 0; round < 3; round += 1)
      await assert.rejects(
        createApp(parseSettings({}), quiet, "0", { store, follow }),
        (error) => error instanceof StoreError && error.kind === "unavailable",
      );
    assert.equal(heard.size, 0);
  });
});
