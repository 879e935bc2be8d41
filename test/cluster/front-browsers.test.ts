import assert from "node:assert/strict";
import { startApp, type Answer } from "../support/app.ts";
import { frontRig, sayingOf } from "../support/front-rig.ts";
import { assertProblem } from "../support/invariants.ts";
import { describe, it } from "../support/test.ts";

const origin = "https://pages.example";
const environment = { CONNACK_CORS_ORIGINS: origin };
const paths = [
  "/connections",
  "/connections/c1",
  "/events?format=json",
  "/tokens",
  "/webhooks",
  "/probe",
  "/version",
];

/** Of an answer with a problem: all headers but those of one call. */
const namesOf = ({ headers }: Answer) => [...headers].map(([name]) => name).toSorted();

describe("a browser at a front", () => {
  it("may ask before it calls, as at one app", async () => {
    await using app = await startApp(environment);
    await using rig = await frontRig({ environment });
    for (const path of paths)
      for (const from of [origin, "https://other.example"]) {
        const headers = {
          origin: from,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        };
        const ask = (at: Pick<typeof app, "call">) => at.call("OPTIONS", path, undefined, headers);
        const [alone, joint] = [await ask(app), await ask(rig.front)];
        assert.equal(alone.status, 204);
        assert.equal(alone.headers.get("access-control-allow-origin"), from === origin ? origin : null);
        assert.deepEqual(sayingOf(joint), sayingOf(alone), `${path} ${from}`);
      }
  });

  it("may read what pages of the origin may read, as at one app", async () => {
    await using app = await startApp(environment);
    await using rig = await frontRig({ environment });
    for (const path of paths.filter((each) => !each.startsWith("/events"))) {
      const ask = (at: Pick<typeof app, "call">) => at.call("GET", path, undefined, { origin });
      const [alone, joint] = [await ask(app), await ask(rig.front)];
      assert.equal(joint.headers.get("access-control-allow-origin"), origin, path);
      assert.equal(joint.headers.get("vary"), alone.headers.get("vary"), path);
      assert.deepEqual(sayingOf(joint), sayingOf(alone), path);
    }
    const events = await rig.front.call("GET", "/events?format=json", undefined, { origin });
    assert.equal(events.headers.get("access-control-allow-origin"), origin);
  });

  it("is refused where a page of another site calls, or another host is meant", async () => {
    await using app = await startApp(environment);
    await using rig = await frontRig({ environment });
    const callers = [
      { origin: "https://other.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      { host: "rebound.example" },
      { origin: "null" },
    ];
    for (const path of paths.filter((each) => each !== "/version"))
      for (const headers of callers) {
        const request = (url: string) =>
          new Request(`${url}${path}`, { headers: { host: "localhost", ...headers } });
        const alone = await read(await app.app.fetch(request(app.url)));
        const joint = await read(await rig.front.front(request(rig.front.url)));
        assert.equal(alone.status, 403, path);
        assert.deepEqual(sayingOf(joint), sayingOf(alone), `${path} ${JSON.stringify(headers)}`);
      }
    const posted = await rig.front.call("POST", "/connections", {}, { origin: "https://other.example" });
    assertProblem(posted, 403, "cross-site-request");
  });

  it("can read the problems that the front finds, as those of a cell", async () => {
    await using rig = await frontRig({ environment });
    rig.cells.lose(0);
    rig.cells.lose(1);
    rig.cells.lose(2);
    rig.cells.ownerWithinMs = 1;
    const one = { "x-request-id": "mine-1", origin };
    const calls = [
      ["GET", "/connections"],
      ["GET", "/connections/c1"],
      ["GET", "/events"],
      ["GET", "/tokens"],
      ["GET", "/webhooks"],
      ["GET", "/probe"],
    ] as const;
    const like = await frontRig({ environment });
    const model = await like.front.call("GET", "/connections/c1", undefined, one);
    await like[Symbol.asyncDispose]();
    for (const [method, path] of calls) {
      const answer = await rig.front.call(method, path, undefined, one);
      assertProblem(answer, 503, "no-owner");
      assert.equal(answer.headers.get("x-request-id"), "mine-1");
      assert.equal(answer.headers.get("retry-after"), "2");
      assert.equal(answer.headers.get("access-control-allow-origin"), origin);
      assert.equal(answer.headers.get("vary"), "Origin");
      assert.equal(answer.headers.get("cross-origin-resource-policy"), "cross-origin");
      const without = namesOf(answer).filter((name) => name !== "retry-after");
      assert.deepEqual(without, namesOf(model), path);
      for (const name of [
        "content-security-policy",
        "referrer-policy",
        "x-content-type-options",
        "cache-control",
      ])
        assert.equal(answer.headers.get(name), model.headers.get(name), name);
    }
    const foreign = await rig.front.call("GET", "/connections", undefined, {
      origin: "https://other.example",
    });
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
    assert.equal(foreign.headers.get("cross-origin-resource-policy"), "same-origin");
    const head = await rig.front.call("HEAD", "/connections", undefined, one);
    assert.equal(head.status, 503);
    assert.equal(head.text, "");
    const asked = await rig.front.call("OPTIONS", "/connections/c1", undefined, { origin });
    assert.equal(asked.status, 204);
  });

  it("names a call the same in all cells, and in the answer", async () => {
    await using rig = await frontRig();
    const answer = await rig.front.call("GET", "/connections", undefined, { "x-request-id": "mine-2" });
    assert.equal(answer.headers.get("x-request-id"), "mine-2");
    const unnamed = await rig.front.call("GET", "/connections", undefined, { "x-request-id": "no name" });
    const id = unnamed.headers.get("x-request-id") ?? "";
    assert.match(id, /^[0-9a-f-]{36}$/);
    const lines = rig.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const name of ["mine-2", id])
      assert.equal(lines.filter((line) => line["requestId"] === name).length, 3);
  });

  it("is answered 500 without detail where the front has a defect, which the log has", async () => {
    await using rig = await frontRig();
    rig.cells.give(0, () => {
      throw new TypeError("a defect");
    });
    const answer = await rig.front.call("GET", "/tokens");
    assertProblem(answer, 500, "internal-error");
    assert.ok(!answer.text.includes("a defect"));
  });
});

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, text, body: text === "" ? null : JSON.parse(text) };
}
