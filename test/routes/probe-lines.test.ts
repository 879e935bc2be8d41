import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const headers = { accept: "application/x-ndjson", "content-type": "application/json" };

/** The lines of a probe, each when it comes; and how to hang up. */
async function begin(rig: Rig, body: object) {
  const over = new AbortController();
  const sent = { method: "POST", headers, body: JSON.stringify(body), signal: over.signal };
  const response = await fetch(`${rig.app.url}/probe`, sent);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  // oxlint-disable-next-line no-explicit-any
  const next = async (): Promise<any> => {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return null;
      text += value;
    }
    const end = text.indexOf("\n");
    const line = JSON.parse(text.slice(0, end));
    text = text.slice(end + 1);
    return line;
  };
  return { next, hangUp: () => over.abort() };
}

describe("POST /probe as lines", () => {
  itHolds("tells each stage, and then what POST /probe answers", async (rig) => {
    const broker = await rig.broker(accepts());
    const { next } = await begin(rig, { url: broker.url });
    const lines = [];
    for (let line = await next(); line !== null; line = await next()) lines.push(line);
    const { type, ...result } = lines.pop();
    assert.deepEqual([type, result.ok, result.connack.reasonCode], ["result", true, 0]);
    assert.deepEqual(
      lines,
      result.stages.map((stage: object) => Object.assign({ type: "stage" }, stage)),
    );
    assert.deepEqual(
      lines.map(({ name }) => name),
      ["dns", "tcp", "connack"],
    );
  });

  itHolds("tells them while the next one goes on, and ends with its reader", async (rig) => {
    const broker = await rig.broker(silent());
    const { next, hangUp } = await begin(rig, { url: broker.url });
    assert.deepEqual([(await next()).name, (await next()).name], ["dns", "tcp"]);
    const peer = await broker.connection(1);
    hangUp();
    await peer.closed;
  });

  itHolds("has the problem in the result, and refuses as a problem what does not begin", async (rig) => {
    const broker = await rig.broker(silent());
    const { next } = await begin(rig, { url: broker.url, connectTimeoutMs: 100 });
    await next();
    await next();
    assert.deepEqual([(await next()).ok, (await next()).problem.code], [false, "connack-timeout"]);
    assertProblem(await rig.call("POST", "/probe", { url: 1 }, headers), 422, "invalid-request");
  });
});
