import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { startDnsServer, type DnsServer } from "../support/dns-server.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { after, before, describe } from "../support/test.ts";
import { startVictim, type Victim } from "../support/victim.ts";
import { inTurn, quick, startEndpoint, status } from "../support/webhook-endpoint.ts";

let dns: DnsServer;
let victim: Victim;
before(async () => {
  dns = await startDnsServer({
    "broker.test": ["127.0.0.1"],
    "a.pattern.test": ["127.0.0.1"],
    "one.test": ["127.0.0.1"],
  });
  victim = await startVictim();
});
after(async () => {
  await victim[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

const settings = (allow: string, deny: string) => () => ({
  CONNACK_DNS_SERVERS: dns.address,
  CONNACK_EGRESS_ALLOW: allow,
  CONNACK_EGRESS_DENY: deny,
});

/** Every call that connects for somebody refuses it; the bodies, without what is of one request alone. */
async function refusals(rig: Rig, host: string, port: number): Promise<string[]> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const answers = [
    await rig.open({ host, port }),
    await rig.open({ url: `mqtts://${authority}` }),
    await rig.open({ url: `ws://${authority}/connections` }),
    await rig.call("PUT", "/connections/x", { url: `wss://${authority}/` }),
    await rig.call("POST", "/webhooks", { url: `http://${authority}/`, topics: ["#"] }),
  ];
  const probe = await rig.call("POST", "/probe", { host, port });
  assert.equal(probe.body.problem.code, "destination-forbidden", probe.text);
  return answers.map((answer) => {
    assertProblem(answer, 403, "destination-forbidden");
    const { instance: _, ...rest } = answer.body;
    return JSON.stringify(rest);
  });
}

describe("S16: destinations that the settings forbid", () => {
  itHolds(
    "S16 CONNACK_EGRESS_DENY: 403 for each call, the same body for all, and the victim sees no connection",
    async (rig) => {
      const seen = new Set<string>();
      for (const host of [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "::1",
        "::ffff:7f00:1",
        "localhost",
        "broker.test",
      ])
        for (const body of await refusals(rig, host, victim.port)) seen.add(body);
      for (const host of ["10.0.0.1", "fd00::5", "8.8.8.8", "169.254.169.254", "a.pattern.test"])
        for (const body of await refusals(rig, host, 1883)) seen.add(body);
      assert.equal(seen.size, 1, [...seen].join("\n"));
      assert.equal(victim.visits, 0);
    },
    { environment: settings("*.pattern.test", "public,private,loopback"), bystander: false },
  );

  itHolds(
    "S16 a list of what is allowed: a name in it connects, its address alone does not",
    async (rig) => {
      const broker = await rig.broker(accepts());
      assert.equal((await rig.open({ url: `mqtt://broker.test:${broker.port}` })).status, 201);
      for (const host of ["127.0.0.1", "one.test", "localhost"])
        assertProblem(await rig.open({ host, port: broker.port }), 403, "destination-forbidden");
      assert.equal(broker.peers.length, 1);
    },
    { environment: settings("broker.test", "public,private,loopback"), bystander: false },
  );

  itHolds(
    "S16 a port that is denied: 403, whatever is allowed",
    async (rig) => {
      await refusals(rig, "127.0.0.1", 25);
      await refusals(rig, "broker.test", 25);
    },
    { environment: settings("broker.test:25,127.0.0.0/8", ":25") },
  );
});

describe("S16: the server itself", () => {
  itHolds(
    "S16 its own address and port: 403 in every spelling, though all else there is allowed",
    async (rig) => {
      const port = Number(new URL(rig.app.url).port);
      const seen = new Set<string>();
      for (const host of [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "::ffff:127.0.0.1",
        "localhost",
        "broker.test",
      ])
        for (const body of await refusals(rig, host, port)) seen.add(body);
      assert.equal(seen.size, 1, [...seen].join("\n"));
      const broker = await rig.broker(accepts());
      assert.equal((await rig.open({ url: broker.url })).status, 201);
    },
    { environment: settings("127.0.0.0/8,::/0,loopback", "") },
  );
});

/** Answers once with what is allowed, and from then on with something else. */
function rebound(name: string, second: string) {
  const counted = { asked: 0 };
  dns.table.set(name, (type) => {
    if (type === "A") counted.asked += 1;
    return counted.asked > 1 ? [second] : ["127.0.0.1"];
  });
  return counted;
}

describe("S16: a name that is rebound", () => {
  itHolds(
    "S16 between check and dial: asked once, and what was checked is dialled",
    async (rig) => {
      const broker = await rig.broker(accepts());
      const counted = rebound("twice.test", "169.254.169.254");
      const opened = await rig.open({ url: `mqtt://twice.test:${broker.port}` });
      assert.equal(opened.status, 201, opened.text);
      assert.equal(opened.body.broker.address, "127.0.0.1");
      assert.equal(counted.asked, 1);
    },
    { environment: settings("twice.test", "loopback"), bystander: false },
  );

  itHolds(
    "S16 between attempts: to an address that a network in the list does not have, it fails for good",
    async (rig) => {
      const broker = await rig.broker(accepts());
      rebound("later.test", "127.0.0.2");
      const request = { id: "x", url: `mqtt://later.test:${broker.port}`, reconnect: { minDelayMs: 10 } };
      assert.equal((await rig.open(request)).status, 201);
      await using events = await rig.app.events("/connections/x/events");
      (await broker.connection(1)).reset();
      assert.equal((await events.next("failed")).data.code, "destination-forbidden");
      const { body } = await rig.call("GET", "/connections/x");
      assert.deepEqual([body.state, body.lastError.stage], ["failed", "policy"]);
      assert.equal(broker.peers.length, 1);
    },
    { environment: settings("127.0.0.1", "loopback"), bystander: false },
  );

  itHolds(
    "S16 to the victim, for a webhook: each delivery is checked, and the victim sees no connection",
    async (rig) => {
      const before = victim.visits;
      const counted = rebound("hook.test", "127.0.0.2");
      const url = `http://hook.test:${victim.port}/`;
      const created = await rig.call("POST", "/webhooks", { url, events: ["*"] });
      assert.equal(created.status, 201, created.text);
      const broker = await rig.broker(accepts());
      assert.equal((await rig.open({ url: broker.url })).status, 201);
      let view = await rig.call("GET", `/webhooks/${created.body.id}`);
      while (!(view.body.failuresInARow > 2)) view = await rig.call("GET", `/webhooks/${created.body.id}`);
      assert.equal(view.body.lastFailure.code, "destination-forbidden", view.text);
      assert.ok(counted.asked > 3, `${counted.asked}`);
      assert.equal(victim.visits, before);
    },
    {
      environment: settings("127.0.0.1", "loopback"),
      overrides: { webhookSchedule: quick },
      bystander: false,
    },
  );
});

describe("S16: where a peer sends on to", () => {
  itHolds("S16 a WebSocket upgrade that is redirected: 502, and not followed", async (rig) => {
    const before = victim.visits;
    for (const code of [301, 302, 303, 307, 308]) {
      const broker = await rig.broker((peer) => {
        peer.onBytes = () => {
          const location = `ws://127.0.0.1:${victim.port}/mqtt`;
          peer.sendBytes(`HTTP/1.1 ${code} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
        };
      });
      const answer = await rig.open({ url: `ws://127.0.0.1:${broker.port}/mqtt` });
      assert.equal(answer.status, 502, answer.text);
      assert.equal(answer.body.httpStatus, code, answer.text);
      assert.equal(broker.peers.length, 1);
    }
    assert.equal(victim.visits, before);
  });

  for (const reasonCode of [0x9c, 0x9d]) {
    const shown = `0x${reasonCode.toString(16).toUpperCase()}`;
    itHolds(`S16 DISCONNECT ${shown} with a server reference: it is shown, and not followed`, async (rig) => {
      const before = victim.visits;
      const broker = await rig.broker(accepts());
      assert.equal((await rig.open({ id: "x", url: broker.url })).status, 201);
      await using events = await rig.app.events("/connections/x/events");
      const serverReference = `127.0.0.1:${victim.port}`;
      const peer = await broker.connection(1);
      peer.send({ cmd: "disconnect", reasonCode, properties: { serverReference } } as Parameters<
        typeof peer.send
      >[0]);
      await events.next("failed");
      const { body } = await rig.call("GET", "/connections/x");
      assert.equal(body.lastError.mqtt.serverReference, serverReference);
      assert.equal(broker.peers.length, 1);
      assert.equal(victim.visits, before);
    });
  }

  itHolds(
    "S16 a delivery that is redirected to the server itself, or to the victim: not followed",
    async (rig) => {
      const before = victim.visits;
      const own = status(307, { location: `${rig.app.url}/connections` });
      const other = status(308, { location: `http://127.0.0.1:${victim.port}/` });
      await using endpoint = await startEndpoint(inTurn(own, other, status(204)));
      assert.equal((await rig.call("POST", "/webhooks", { url: endpoint.url, events: ["*"] })).status, 201);
      const broker = await rig.broker(accepts());
      assert.equal((await rig.open({ url: broker.url })).status, 201);
      await endpoint.nth(3);
      assert.equal(victim.visits, before);
    },
    { overrides: { webhookSchedule: quick } },
  );
});
