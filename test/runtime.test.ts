import assert from "node:assert/strict";
import { cannotRunOn } from "../src/runtime.ts";
import { describe, it } from "./support/test.ts";

describe("cannotRunOn()", () => {
  it("takes what runs this, and newer ones", () => {
    assert.equal(cannotRunOn(process.versions), null);
    for (const versions of [
      { bun: "1.4.5" },
      { bun: "1.4.6-canary.3+abc" },
      { bun: "1.10.0" },
      { bun: "2.0.0" },
      { deno: "2.9.0" },
      { deno: "2.10.0" },
      // Both of them say which Node they are like.
      { node: "24.3.0", bun: "1.4.5" },
    ])
      assert.equal(cannotRunOn(versions), null, JSON.stringify(versions));
  });

  it("says what is wanted, and what it is, of everything else", () => {
    for (const [versions, said] of [
      [{ node: "20.20.2" }, "Node.js 20.20.2"],
      [{ node: "24.3.0", bun: "1.4.4" }, "Bun 1.4.4"],
      [{ bun: "1.3.9" }, "Bun 1.3.9"],
      [{ bun: "0.9.9" }, "Bun 0.9.9"],
      [{ deno: "2.8.10" }, "Deno 2.8.10"],
      [{ deno: "1.46.3" }, "Deno 1.46.3"],
    ] as const)
      assert.equal(
        cannotRunOn(versions),
        `Connack runs on Bun 1.4.5 or Deno 2.9.0, or newer; this is ${said}`,
        JSON.stringify(versions),
      );
  });
});
