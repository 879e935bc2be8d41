import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const openDescriptors = () => readdirSync("/proc/self/fd").length;

describe("S24: many at once", () => {
  itHolds(
    "S24 200 POSTs at once to a broker that accepts 50: each gets its own true answer",
    async (rig) => {
      let accepted = 0;
      const broker = await rig.broker(async (peer) => {
        accepted += 1;
        await (accepted <= 50 ? accepts() : refuses(0x97))(peer);
      });
      const ids = Array.from({ length: 200 }, (_, index) => `many-${index}`);
      const answers = await Promise.all(ids.map((id) => rig.open({ id, clientId: id, url: broker.url })));
      const connected = answers.filter(({ status }) => status === 201);
      assert.equal(connected.length, 50);
      for (const answer of answers)
        if (answer.status !== 201) assertProblem(answer, 503, "broker-unavailable");
      const list = await rig.call("GET", "/connections?limit=1000");
      const kept = list.body.items
        .map(({ id }: { id: string }) => id)
        .filter((id: string) => id !== "bystander");
      assert.deepEqual(new Set(kept), new Set(connected.map(({ body }) => body.id)));
      // The broker accepted exactly those whose callers were told so.
      const atBroker = broker.peers
        .slice(0, 50)
        .map(({ received: [first] }) => first?.cmd === "connect" && first.clientId);
      assert.deepEqual(new Set(atBroker), new Set(connected.map(({ body }) => body.clientId)));
      assert.equal(broker.peers.length, 200);
      await Promise.all(connected.map(({ body }) => rig.call("DELETE", `/connections/${body.id}`)));
      await broker.idle();
    },
    { timeout: 60_000 },
  );

  itHolds("S24 refusals leave no descriptors behind", async (rig) => {
    const broker = await rig.broker(refuses(0x88));
    const round = () => Promise.all(Array.from({ length: 100 }, () => rig.open({ url: broker.url })));
    // The first rounds open what stays open, such as the callers' own HTTP connections.
    for (let i = 0; i < 2; i += 1) await round();
    await broker.idle();
    const before = openDescriptors();
    for (let i = 0; i < 10; i += 1) await round();
    await broker.idle();
    // Two for each call at once that found no HTTP connection free, and far fewer than one for each of 1,000 refusals.
    assert.ok(openDescriptors() <= before + 200, `${before} descriptors before, ${openDescriptors()} after`);
    assert.equal(broker.peers.length, 1_200);
  });

  const full = { environment: () => ({ CONNACK_MAX_CONNECTIONS: "3" }) };
  itHolds(
    "S24 more connections than the server may hold: 429 that names the limit, and room again after DELETE",
    async (rig) => {
      const broker = await rig.broker(accepts());
      for (const id of ["a", "b"]) assert.equal((await rig.open({ id, url: broker.url })).status, 201);
      const refused = await rig.open({ id: "c", url: broker.url });
      assertProblem(refused, 429, "limit-reached");
      assert.deepEqual(refused.body.limit, { name: "CONNACK_MAX_CONNECTIONS", value: 3 });
      assert.notEqual(refused.headers.get("retry-after"), null);
      assert.equal(broker.peers.length, 2);
      await rig.call("DELETE", "/connections/a");
      assert.equal((await rig.open({ id: "c", url: broker.url })).status, 201);
    },
    full,
  );
});

describe("S25: one id", () => {
  itHolds("S25 POSTed twice at once: one 201, one 409, one MQTT connection", async (rig) => {
    const broker = await rig.broker(accepts());
    const request = { id: "twin", url: broker.url };
    const answers = await Promise.all([rig.open(request), rig.open(request)]);
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409],
    );
    const refused = answers.find(({ status }) => status === 409)!;
    assertProblem(refused, 409, "connection-exists");
    assert.equal(broker.peers.length, 1);
  });

  itHolds("S25 an id whose attempt failed is free at once", async (rig) => {
    let first = true;
    const broker = await rig.broker((peer) => {
      const script = first ? refuses(0x87) : accepts();
      first = false;
      return script(peer);
    });
    const request = { id: "again", url: broker.url };
    assert.equal((await rig.open(request)).status, 502);
    assert.equal((await rig.open(request)).status, 201);
  });

  itHolds("S25 PUT twice at once with the same request: one MQTT connection", async (rig) => {
    const broker = await rig.broker(accepts());
    const put = () => rig.call("PUT", "/connections/twin", { url: broker.url });
    const answers = await Promise.all([put(), put(), put()]);
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 200, 201],
    );
    assert.equal(broker.peers.length, 1);
  });
});
