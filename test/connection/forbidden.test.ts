import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { accepts, acceptsThen } from "../support/broker-scripts.ts";
import { startApp } from "../support/app.ts";
import { startDnsServer } from "../support/dns-server.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { egressEntries } from "../support/policies.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const lists = (allow: string, deny: string) => ({ allow: egressEntries(allow), deny: egressEntries(deny) });

// oxlint-disable-next-line no-explicit-any
function assertForbidden(view: any): void {
  assert.equal(view.state, "failed");
  const { stage, code, retryable } = view.lastError;
  assert.deepEqual([stage, code, retryable], ["policy", "destination-forbidden", false]);
  assert.equal(view.attempts.nextAt, null);
}

describe("closeForbidden(), when the policy becomes tighter", () => {
  for (const [protocolVersion, goodbye] of [
    ["5", true],
    ["3.1.1", false],
  ] as const) {
    it(`MQTT ${protocolVersion}: an open connection ends in failed, with its will, and stays readable`, async () => {
      await using broker = await startScriptedBroker(accepts());
      await using other = await startScriptedBroker(accepts());
      await using app = await startApp();
      assert.equal((await app.open({ id: "x", url: broker.url, protocolVersion })).status, 201);
      assert.equal((await app.open({ id: "y", url: other.url, protocolVersion })).status, 201);
      await using events = await app.events("/connections/x/events");
      assert.equal(app.app.changeEgress(lists("", `127.0.0.1:${broker.port}`)), 1);
      const failed = await events.next("failed");
      assert.deepEqual([failed.data.why, failed.data.code], ["permanent", "destination-forbidden"]);
      const peer = await broker.connection(1);
      await peer.closed;
      const said = peer.received.filter(({ cmd }) => cmd === "disconnect");
      assert.deepEqual(
        said.map((packet) => "reasonCode" in packet && packet.reasonCode),
        goodbye ? [0x04] : [],
      );
      assertForbidden((await app.call("GET", "/connections/x")).body);
      assert.equal((await app.call("GET", "/connections/y")).body.state, "connected");
      const again = await app.call("POST", "/connections/x/reconnect");
      assert.deepEqual([again.status, again.body.code], [403, "destination-forbidden"]);
      assert.equal((await app.call("DELETE", "/connections/x")).status, 200);
      assert.equal(broker.peers.length, 1);
    });
  }

  it("a call that waits for the CONNACK is told at once, and nothing is kept", async () => {
    const asked = Promise.withResolvers<void>();
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      asked.resolve();
    });
    await using app = await startApp();
    const opening = app.open({ id: "x", url: broker.url });
    await asked.promise;
    assert.equal(app.app.changeEgress(lists("", "loopback")), 1);
    const answer = await opening;
    assert.deepEqual([answer.status, answer.body.code], [403, "destination-forbidden"]);
    assert.equal((await app.call("GET", "/connections/x")).status, 404);
    await broker.idle();
  });

  it("an attempt in TLS is given up, and the connection is kept as failed", async () => {
    const dialled = Promise.withResolvers<void>();
    const take = (socket: Socket) => {
      socket.on("error", () => {}).once("data", () => dialled.resolve());
    };
    const silent = await listenOnLoopback(createServer(take));
    await using _ = { [Symbol.asyncDispose]: () => silent.close() };
    await using app = await startApp();
    assert.equal(
      (await app.open({ id: "x", url: `mqtts://127.0.0.1:${silent.port}` }, "?wait=0")).status,
      202,
    );
    await using events = await app.events("/connections/x/events?lastEventId=earliest");
    await dialled.promise;
    assert.equal(app.app.changeEgress(lists("", "loopback")), 1);
    assert.equal((await events.next("failed")).data.code, "destination-forbidden");
    assertForbidden((await app.call("GET", "/connections/x")).body);
    await silent.idle();
  });

  it("an attempt whose name is being resolved is judged by the new policy", async () => {
    await using dns = await startDnsServer();
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ CONNACK_DNS_SERVERS: dns.address });
    dns.table.set("slow.test", (type) => {
      if (type === "A") app.app.changeEgress(lists("", "loopback"));
      return ["127.0.0.1"];
    });
    const answer = await app.open({ url: `mqtt://slow.test:${broker.port}` });
    assert.deepEqual([answer.status, answer.body.code], [403, "destination-forbidden"]);
    assert.equal(broker.peers.length, 0);
  });

  it("what was dialled counts, and not what the name leads to by now; a second time nothing is left to end", async () => {
    await using dns = await startDnsServer({ "moved.test": ["127.0.0.1"] });
    await using broker = await startScriptedBroker(acceptsThen(async () => {}));
    await using app = await startApp({ CONNACK_DNS_SERVERS: dns.address });
    const request = { id: "x", url: `mqtt://moved.test:${broker.port}` };
    assert.equal((await app.open(request)).status, 201);
    dns.table.set("moved.test", ["8.8.8.8"]);
    await using events = await app.events("/connections/x/events");
    assert.equal(app.app.changeEgress(lists("", "8.8.8.8")), 0);
    assert.equal(app.app.changeEgress(lists("", "127.0.0.1")), 1);
    assert.equal(app.app.changeEgress(lists("", "127.0.0.1")), 0);
    await events.next("failed");
  });

  it("where the server turns out to listen itself, what came back after a restart is ended", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    assert.equal((await app.open({ id: "x", url: broker.url })).status, 201);
    await using events = await app.events("/connections/x/events");
    app.app.listening("127.0.0.1", broker.port);
    assert.equal((await events.next("failed")).data.code, "destination-forbidden");
  });

  it("a looser policy ends nothing, and holds for the next attempt", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ CONNACK_EGRESS_DENY: "loopback" });
    assert.equal((await app.open({ id: "x", url: broker.url }, "?wait=0")).status, 202);
    await using events = await app.events("/connections/x/events?lastEventId=earliest");
    await events.next("failed");
    assert.equal(app.app.changeEgress(lists("", "")), 0);
    assert.equal((await app.call("POST", "/connections/x/reconnect")).status, 200);
  });
});
