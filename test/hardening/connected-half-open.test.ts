import assert from "node:assert/strict";
import { itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { startProxy } from "../support/proxy.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const keepAlive = 1;

/** Opens a connection, lets `before` do its thing, takes the network away, and gives the milliseconds until it showed. */
async function measure(
  rig: Rig,
  options: { readonly before?: (brokerUrl: string) => Promise<void>; readonly after?: () => Promise<void> },
): Promise<number> {
  await using broker = await startMosquitto();
  await using proxy = await startProxy(broker.port);
  const opened = await rig.open({
    id: "home",
    url: `mqtt://127.0.0.1:${proxy.port}`,
    keepAlive,
    subscriptions: [{ topicFilter: "t", qos: 0 }],
    reconnect: { enabled: false },
  });
  assert.equal(opened.status, 201, opened.text);
  await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
  await events.next("subscribed");
  await options.before?.(broker.url);
  proxy.freeze();
  const frozenAt = Date.now();
  const during = options.after?.();
  const { data } = await events.next("disconnected");
  await during;
  assert.equal(data.code, "keep-alive-timeout");
  assert.equal(data.flags.connected, false);
  const { body: view } = await rig.call("GET", "/connections/home");
  assert.equal(view.flags.connected, false);
  // The broker said nothing, so that its last word stands.
  assert.deepEqual([view.lastReason.packet, view.lastError.code], ["connack", "keep-alive-timeout"]);
  return Date.parse(data.at) - frozenAt;
}

function assertInTime(ms: number): void {
  process.stdout.write(`S39: connected was false after ${ms} ms\n`);
  assert.ok(ms <= 1.5 * keepAlive * 1_000, `connected was true for ${ms} ms`);
}

describe("S39: a network that drops every packet", () => {
  const options = { skip: needs("mosquitto") };

  itHolds(
    "S39: connected is false within 1.5 × keepAlive, without traffic before",
    async (rig) => assertInTime(await measure(rig, {})),
    options,
  );

  itHolds(
    "S39: connected is false within 1.5 × keepAlive, with inbound traffic until then",
    async (rig) => {
      const stop = new AbortController();
      let flood = Promise.resolve();
      const before = async (url: string) => {
        flood = (async () => {
          await using publisher = await connectClient(url);
          while (!stop.signal.aborted) await publisher.publishAsync("t", "x", { qos: 1 });
        })();
        const ping = await rig.call("POST", "/connections/home/ping");
        assert.equal(ping.status, 200, ping.text);
        await viewWhen(rig.app, "home", ({ counters }) => counters.messagesIn > 100);
      };
      const after = async () => {
        stop.abort();
        await flood;
      };
      assertInTime(await measure(rig, { before, after }));
    },
    options,
  );

  itHolds(
    "S39: connected is false within 1.5 × keepAlive, though callers ping and bytes go out all the while",
    async (rig) => {
      const after = async () => {
        for (;;) {
          const { status, body } = await rig.call("POST", "/connections/home/ping?wait=0.05");
          if (body.code === "connection-lost") return assert.equal(status, 502);
          if (body.code !== "ping-timeout") return assert.equal(body.code, "not-connected");
        }
      };
      assertInTime(await measure(rig, { after }));
    },
    options,
  );

  itHolds("S39: a broker that answers pings late, but within keepAlive, is not given up", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await peer.next("connect");
      peer.send({ cmd: "connack", reasonCode: 0, sessionPresent: false });
      peer.answer("pingreq", () => setTimeout(() => peer.send({ cmd: "pingresp" }), 400));
    });
    await rig.open({ id: "slow", url: broker.url, keepAlive });
    const peer = await broker.connection(1);
    // Four pings are three times what a dead broker gets.
    await viewWhen(rig.app, "slow", () => peer.received.filter(({ cmd }) => cmd === "pingreq").length >= 4);
    const { body: view } = await rig.call("GET", "/connections/slow");
    assert.deepEqual([view.state, view.counters.disconnects], ["connected", 0]);
  });
});
