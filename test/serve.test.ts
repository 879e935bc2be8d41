import assert from "node:assert/strict";
import { serve } from "../src/serve.ts";
import { describe, it } from "./support/test.ts";

describe("serve()", () => {
  for (const [how, fail] of [
    [
      "throws",
      () => {
        throw new Error("a secret of ours");
      },
    ],
    ["rejects", () => Promise.reject(new Error("a secret of ours"))],
  ] as const) {
    it(`answers 500 without detail where the app ${how}`, async () => {
      const serving = serve({ fetch: fail }, "127.0.0.1", 0);
      try {
        const response = await fetch(`http://127.0.0.1:${serving.port}/`);
        const text = await response.text();
        assert.equal(response.status, 500);
        assert.doesNotMatch(text, /secret|serve\.test/);
      } finally {
        await serving.stop();
      }
    });
  }
});
