import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/publish";
const json = "application/json";
const one = '{"topic":"t"}';

/** Every way in which a publish is answered, and its status. */
const answered: readonly (readonly [
  what: string,
  query: string,
  body: string,
  headers: Record<string, string>,
  status: number,
])[] = [
  ["a raw payload", "?topic=t", "x", { "content-type": "text/plain" }, 202],
  ["JSON", "", one, { "content-type": json }, 202],
  ["an array", "", `[${one}]`, { "content-type": json }, 207],
  ["lines", "", `${one}\n`, { "content-type": "application/x-ndjson" }, 200],
  ["a keyed call", "", one, { "content-type": json, "idempotency-key": "k" }, 202],
  ["the same again", "", one, { "content-type": json, "idempotency-key": "k" }, 202],
  ["a problem", "?topic=%23", "x", { "content-type": "text/plain" }, 422],
];

describe("X-Request-Id", () => {
  itHolds("stands in every answer to a publish, once", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    for (const [what, query, body, headers, status] of answered) {
      const id = what.replaceAll(" ", "-");
      const answer = await rig.call("POST", `${path}${query}`, body, { ...headers, "x-request-id": id });
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers.get("x-request-id"), id, what);
    }
  });
});
