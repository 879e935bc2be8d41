import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { principalOf } from "../support/limit-scene.ts";
import { describe, it } from "../support/test.ts";

/** A clock that stands still. */
function stopped() {
  const now = { ms: 1_000 };
  return { now, clock: { monotonic: () => now.ms, wall: () => 1_700_000_000_000 + now.ms } };
}

describe("the rate of requests", () => {
  it("is told in RateLimit and RateLimit-Policy where it was set, in refusals too", async () => {
    const { clock } = stopped();
    await using app = await startApp(
      { CONNACK_TENANT_MAX_REQUESTS_PER_SECOND: "3" },
      { clock, principal: principalOf("t") },
    );
    const answers = [await app.call("GET", "/version"), await app.call("GET", "/nothing")];
    answers.push(await app.call("GET", "/connections/none"), await app.call("GET", "/version"));
    assert.deepEqual(
      answers.map(({ status, headers }) => [
        status,
        headers.get("ratelimit"),
        headers.get("ratelimit-policy"),
      ]),
      [
        [200, '"tenant";r=2;t=1', '"tenant";q=3;w=1'],
        [404, '"tenant";r=1;t=1', '"tenant";q=3;w=1'],
        [404, '"tenant";r=0;t=1', '"tenant";q=3;w=1'],
        [429, '"tenant";r=0;t=1', '"tenant";q=3;w=1'],
      ],
    );
    assert.equal(answers[3]?.headers.get("retry-after"), "1");
  });

  it("is told to whoever has a token, and not to others, where it was not set", async () => {
    for (const [id, told] of [
      ["anyone", false],
      ["key", true],
    ] as const) {
      await using app = await startApp({}, { principal: principalOf("default", { id }) });
      const { headers } = await app.call("GET", "/version");
      assert.equal(headers.has("ratelimit"), told);
      assert.equal(headers.has("ratelimit-policy"), told);
    }
  });

  it("does not hold up /healthz, /readyz and /metrics, which do not count either", async () => {
    const { clock, now } = stopped();
    await using app = await startApp({ CONNACK_MAX_REQUESTS_PER_SECOND: "1" }, { clock });
    const free = ["/healthz", "/readyz", "/metrics"];
    for (const path of free) assert.equal((await app.call("GET", path)).status, 200);
    assert.equal((await app.call("GET", "/version")).status, 200);
    assert.equal((await app.call("GET", "/version")).body.code, "rate-limited");
    for (const path of free) assert.equal((await app.call("GET", path)).status, 200);
    now.ms += 1_000;
    assert.equal((await app.call("GET", "/version")).status, 200);
  });
});
