import assert from "node:assert/strict";
import { Uses } from "../../src/cluster/uses.ts";
import { startApp } from "../support/app.ts";
import { startNats } from "../support/nats.ts";
import { describe, it } from "../support/test.ts";

describe("Uses", () => {
  it("tells those who listen, in messages that the servers take, and passes over what is no use", async () => {
    await using nats = await startNats();
    const [here, there] = [await nats.connect(), await nats.connect()];
    const heard: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const unlisten = new Uses(there, "x").listen((uses) => {
      heard.push(...uses.map(({ id }) => id));
      if (heard.length === 2_500) resolve();
    });
    await there.flush();
    here.publish("x.0.uses", "no JSON");
    here.publish("x.0.uses", '[{"id":"a b","lastUsedAt":1},{"id":7},null]');
    new Uses(here, "x").tell(Array.from({ length: 2_500 }, (_, n) => ({ id: `t${n}`, lastUsedAt: n })));
    await all;
    assert.equal(new Set(heard).size, 2_500);
    unlisten();
  });

  it("a token that is used at another node has been used", async () => {
    const admin = { authorization: `Bearer ${"a".repeat(40)}` };
    let told: ((uses: readonly { id: string; lastUsedAt: number | null }[]) => void) | null = null;
    await using app = await startApp(
      { CONNACK_ADMIN_TOKEN: "a".repeat(40) },
      {
        follow: {
          heardUses: (listener) => {
            told = listener;
            return () => (told = null);
          },
        },
      },
    );
    const { body } = await app.call("POST", "/tokens", { name: "x", scopes: ["connections:read"] }, admin);
    const at = Date.now();
    // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
    (told as unknown as (uses: readonly object[]) => void)([{ id: body.id, lastUsedAt: at }]);
    const { body: list } = await app.call("GET", "/tokens", undefined, admin);
    const token = list.items.find(({ id }: { id: string }) => id === body.id);
    assert.equal(Date.parse(token.lastUsedAt), at);
    await app.stop();
    assert.equal(told, null);
  });
});
