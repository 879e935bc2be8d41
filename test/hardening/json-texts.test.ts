import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { bodies, values, type Outcome } from "../support/json-texts.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

const json = { "content-type": "application/json" };
const lines = { "content-type": "application/x-ndjson" };
const codes: Readonly<Record<Exclude<Outcome, "read">, readonly [number, string]>> = {
  broken: [400, "malformed-request"],
  refused: [422, "invalid-request"],
};

async function assertHealthy(rig: Rig, name: string): Promise<void> {
  assert.equal((await rig.app.call("GET", "/healthz")).status, 200, name);
}

describe("JSON, as suites for parsers have it", () => {
  itHolds(
    "POST /connections: read for what it says, or 400, or 422 that points at it",
    async (rig) => {
      const broker = await rig.broker(accepts());
      for (const [name, text, outcome, where] of values) {
        const dials = broker.peers.length;
        const will = `{"topic":"w","payloadEncoding":"json","payload":${text}}`;
        const answer = await rig.call("POST", "/connections", `{"url":"${broker.url}","will":${will}}`);
        await assertHealthy(rig, name);
        if (outcome === "read") {
          assert.equal(answer.status, 201, `${name}: ${answer.text}`);
          const peer = await broker.connection(dials + 1);
          const connect = peer.received.find((packet) => packet.cmd === "connect");
          assert.equal(connect?.will?.payload.toString(), JSON.stringify(JSON.parse(text)), name);
          await rig.call("DELETE", `/connections/${answer.body.id}?force=true`);
          continue;
        }
        assert.equal(answer.status, codes[outcome][0], `${name}: ${answer.text}`);
        assertProblem(answer, ...codes[outcome]);
        if (where !== undefined)
          assert.equal(answer.body.errors[0].pointer, `/will/payload${where}`, `${name}: ${answer.text}`);
        assert.equal(broker.peers.length, dials, name);
      }
    },
    { timeout: 60_000 },
  );

  itHolds("POST …/publish: the same, and what is not read is not sent", async (rig) => {
    const peer = await openHome(rig);
    for (const [name, text, outcome, where] of values) {
      const sent = publishesAt(peer).length;
      const body = `{"topic":"a","qos":1,"payloadEncoding":"json","payload":${text}}`;
      const answer = await post(rig, "", Buffer.from(body), json);
      await assertHealthy(rig, name);
      const packets = publishesAt(peer).slice(sent);
      if (outcome === "read") {
        assert.equal(answer.status, 200, `${name}: ${answer.text}`);
        assert.deepEqual(
          packets.map(({ payload }) => String(payload)),
          [JSON.stringify(JSON.parse(text))],
          name,
        );
        continue;
      }
      assert.equal(answer.status, codes[outcome][0], `${name}: ${answer.text}`);
      assertProblem(answer, ...codes[outcome]);
      if (where !== undefined)
        assert.equal(answer.body.errors[0].pointer, `/payload${where}`, `${name}: ${answer.text}`);
      assert.deepEqual(packets, [], name);
    }
  });

  itHolds("lines: the same, a report each, and the lines around are published", async (rig) => {
    const peer = await openHome(rig);
    const rows = values.filter(([, text]) => !text.includes("\n"));
    const lineOf = (text: string) => `{"topic":"a","qos":1,"payloadEncoding":"json","payload":${text}}`;
    const answer = await rig.app.call(
      "POST",
      "/connections/home/publish",
      rows.map(([, text]) => lineOf(text)).join("\n"),
      lines,
    );
    await assertHealthy(rig, "lines");
    const reports = answer.text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    assert.equal(reports.length, rows.length);
    for (const [index, [name, , outcome, where]] of rows.entries()) {
      const { line, status, code, errors } = reports[index];
      assert.equal(line, index + 1);
      const expected = outcome === "read" ? [200, undefined] : codes[outcome];
      assert.deepEqual([status, code], expected, `${name}: ${JSON.stringify(reports[index])}`);
      if (where !== undefined) assert.equal(errors[0].pointer, `/payload${where}`, name);
    }
    assert.deepEqual(
      publishesAt(peer).map(({ payload }) => String(payload)),
      rows.filter(([, , outcome]) => outcome === "read").map(([, text]) => JSON.stringify(JSON.parse(text))),
    );
  });

  for (const path of ["/connections", "/probe", "/webhooks", "/connections/bystander/publish"])
    itHolds(`POST ${path}: whole bodies`, async (rig) => {
      for (const [name, body, outcome] of bodies) {
        const answer = await fetch(`${rig.app.url}${path}`, { method: "POST", headers: json, body });
        const said = (await answer.json()) as { code: string };
        await assertHealthy(rig, name);
        // What is read lacks all that is needed.
        const [status, code] = outcome === "read" ? [422, "invalid-request"] : codes[outcome];
        assert.deepEqual([answer.status, said.code], [status, code], `${name}: ${JSON.stringify(said)}`);
      }
    });

  itHolds("lines: whole bodies, in each of which something else than a message stands", async (rig) => {
    await openHome(rig);
    for (const [name, body, outcome] of bodies) {
      const answer = await fetch(`${rig.app.url}/connections/home/publish`, {
        method: "POST",
        headers: lines,
        body,
      });
      const [report = "{}"] = (await answer.text()).split("\n");
      await assertHealthy(rig, name);
      assert.equal(answer.status, 200);
      const [status] = outcome === "read" ? [422] : codes[outcome];
      assert.equal(JSON.parse(report).status, status, `${name}: ${report}`);
    }
  });

  itHolds("a byte order mark in front of lines is one of the body, not of each line", async (rig) => {
    await openHome(rig);
    const body = Buffer.from('\uFEFF{"topic":"a","qos":1}\n\uFEFF{"topic":"a","qos":1}\n');
    const answer = await fetch(`${rig.app.url}/connections/home/publish`, {
      method: "POST",
      headers: lines,
      body,
    });
    const statuses = (await answer.text())
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).status);
    assert.deepEqual(statuses, [200, 400]);
  });
});
