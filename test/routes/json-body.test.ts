import assert from "node:assert/strict";
import { accepts, inTurn, refuses } from "../support/broker-scripts.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const form = "application/x-www-form-urlencoded";

describe("jsonBody()", () => {
  for (const type of [form, "text/plain", "application/json", undefined]) {
    itHolds(`an optional body that is empty is {}, as ${type}`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "r", url: broker.url });
      const headers = type === undefined ? {} : { "content-type": type };
      const answer = await rig.call("POST", "/connections/r/reconnect", undefined, headers);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.counters.connects, 2);
    });
  }

  itHolds("an optional body that is empty: a caller who leaves is noticed", async (rig) => {
    const broker = await rig.broker(inTurn(refuses(0x88), silent()));
    await rig.open({ id: "r", url: broker.url, reconnect: { minDelayMs: 60_000 } }, "?wait=0");
    await using events = await rig.app.events("/connections/r/events?lastEventId=earliest");
    await events.next("waiting");
    const hangUp = new AbortController();
    const headers = { "content-type": form, "x-request-id": "left" };
    const call = rig.app
      .call("POST", "/connections/r/reconnect?wait=20", undefined, headers, hangUp.signal)
      .catch(() => "hung up");
    await broker.connection(2);
    hangUp.abort();
    assert.equal(await call, "hung up");
    const noticed = () => rig.app.logs.some((line) => line.includes('"left"') && line.includes("499"));
    while (!noticed()) await rig.call("GET", "/healthz");
  });

  for (const type of [
    "application/json",
    "Application/JSON;charset=utf-8",
    "application/json; charset=utf-8",
    "application/merge-patch+json",
  ]) {
    itHolds(`reads ${type}`, async (rig) => {
      const answer = await rig.call("POST", "/connections", "{}", { "content-type": type });
      assertProblem(answer, 422, "invalid-request");
    });
  }

  for (const type of [
    "application/vnd.v1+json",
    "application/problem+json ; x=y",
    "application/json ; charset=utf-8",
    "application/json;",
    "application/jsonp",
    "text/json",
    form,
  ]) {
    itHolds(`does not read ${type}: 415`, async (rig) => {
      const answer = await rig.call("POST", "/connections", "{}", { "content-type": type });
      assertProblem(answer, 415, "unsupported-media-type");
    });
  }

  itHolds("a body that is not UTF-8: 400, and nothing is replaced", async (rig) => {
    const broker = await rig.broker(accepts());
    const text = Buffer.from(`{"url": "${broker.url}", "username": "caf?"}`);
    text[text.indexOf("?")] = 0xe9;
    const answer = await fetch(`${rig.app.url}/connections`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text,
    });
    assert.equal(answer.status, 400);
    assert.equal(((await answer.json()) as { code: string }).code, "malformed-request");
    assert.equal(broker.peers.length, 0);
  });

  itHolds("a label that is not well-formed: 422", async (rig) => {
    const broker = await rig.broker(accepts());
    const body = `{"url": "${broker.url}", "labels": {"site": "\\ud800"}}`;
    const answer = await rig.call("POST", "/connections", body);
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].pointer, "/labels/site");
  });
});
