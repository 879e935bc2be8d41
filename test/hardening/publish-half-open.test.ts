import assert from "node:assert/strict";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { messages, publish } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { describe } from "../support/test.ts";

const options = { skip: needs("mosquitto"), timeout: 60_000 };
const MiB = 1_048_576;

async function openThrough(rig: Rig, proxy: Proxy, request: object = {}): Promise<void> {
  const url = `mqtt://127.0.0.1:${proxy.port}`;
  const opened = await rig.open({
    id: "home",
    url,
    reconnect: { minDelayMs: 10, maxDelayMs: 50 },
    ...request,
  });
  assert.equal(opened.status, 201, opened.text);
}

/** Publishes at QoS 0 until a call is not answered 202; gives the payloads that were, and that call's answer. */
async function flood(rig: Rig, bytes: number, query = "") {
  const accepted: string[] = [];
  for (let n = 0; n < 20_000; n += 1) {
    const payload = `${n}-`.padEnd(bytes, "x");
    const [answer, ms] = await timed(publish(rig, "t", payload, query));
    if (answer.status !== 202) return { accepted, answer, ms, refused: payload };
    accepted.push(payload);
  }
  throw new Error("a network that takes nothing took all");
}

describe("S39: a network that drops every packet, while callers publish", () => {
  const keepAlive = 1;

  for (const [what, bytes] of [
    ["little", 10],
    ["more than it can hold", 65_536],
  ] as const) {
    itHolds(
      `S39: connected is false within 1.5 × keepAlive, with ${what} published at QoS 0 all the while`,
      async (rig) => {
        await using broker = await startMosquitto();
        await using proxy = await startProxy(broker.port);
        await openThrough(rig, proxy, { keepAlive, reconnect: { enabled: false } });
        await using events = await rig.app.events("/connections/home/events?types=disconnected");
        assert.equal((await publish(rig, "t", "x")).status, 202);
        proxy.freeze();
        const frozenAt = Date.now();
        const publishing = (async () => {
          for (;;) {
            const { status, body, text } = await publish(rig, "t", "x".repeat(bytes), "&wait=0.05");
            if (status === 202 || body.code === "acknowledgement-timeout") continue;
            return assert.ok(["connection-lost", "not-connected"].includes(body.code), text);
          }
        })();
        const { data } = await events.next("disconnected");
        await publishing;
        assert.deepEqual([data.code, data.flags.connected], ["keep-alive-timeout", false]);
        const ms = Date.parse(data.at) - frozenAt;
        process.stdout.write(`S39: connected was false after ${ms} ms\n`);
        assert.ok(ms <= 1.5 * keepAlive * 1_000, `connected was true for ${ms} ms`);
        assert.equal((await rig.call("GET", "/connections/home")).body.flags.connected, false);
      },
      options,
    );
  }
});

describe("a broker that reads nothing", () => {
  itHolds(
    "QoS 0 is accepted as long as there is room, then 504 without a duplicate; after a thaw all that was accepted arrives",
    async (rig) => {
      await using broker = await startMosquitto();
      await using proxy = await startProxy(broker.port);
      await rig.open({ id: "listener", url: broker.url, log: { messages: 100_000, bytes: 16 * MiB } });
      const filter = { topicFilter: "t", qos: 0 };
      assert.equal((await rig.call("POST", "/connections/listener/subscriptions", filter)).status, 201);
      await openThrough(rig, proxy, { keepAlive: 120 });
      proxy.freeze();
      const before = process.memoryUsage().rss;
      const { accepted, answer, ms, refused } = await flood(rig, 16_384, "&wait=1");
      assertProblem(answer, 504, "acknowledgement-timeout");
      assert.equal(answer.body.duplicatePossible, false);
      assert.ok(ms < 1_500, `${ms} ms`);
      const again = await Promise.all(
        Array.from({ length: 200 }, () => publish(rig, "t", refused, "&wait=1")),
      );
      for (const each of again) assert.notEqual(each.status, 202);
      const grown = (process.memoryUsage().rss - before) / MiB;
      process.stdout.write(
        `${accepted.length} of 16 KiB were accepted; memory grew by ${grown.toFixed(1)} MiB\n`,
      );
      assert.ok(grown < 64, `memory grew by ${grown} MiB`);
      assert.ok(accepted.length * 16_384 < 32 * MiB, `${accepted.length} of 16 KiB were accepted`);

      proxy.thaw();
      const last = await publish(rig, "t", "last", "&qos=1");
      assert.equal(last.status, 200, last.text);
      const seen = await rig.call("GET", "/connections/listener/messages?wait=5&limit=1");
      assert.equal(seen.status, 200);
      const arrived = await messagesOf(rig, "listener", accepted.length + 1);
      assert.deepEqual(
        arrived.map((payload) => payload.slice(0, 20)),
        [...accepted, "last"].map((payload) => payload.slice(0, 20)),
      );
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.connects, 1);
    },
    { ...options, unchecked: "memory is measured" },
  );

  itHolds(
    "QoS 1 beyond what the network holds is 504 at the deadline, and after a loss it goes on",
    async (rig) => {
      await using broker = await startMosquitto();
      await using proxy = await startProxy(broker.port);
      await openThrough(rig, proxy, { keepAlive: 120 });
      proxy.freeze();
      const calls = Array.from({ length: 400 }, () => publish(rig, "t", "x".repeat(65_536), "&qos=1&wait=1"));
      const [answers, ms] = await timed(Promise.all(calls));
      let held = 0;
      for (const answer of answers) {
        if (answer.status === 429) assertProblem(answer, 429, "limit-reached");
        else {
          assertProblem(answer, 504, "acknowledgement-timeout");
          held += 65_536;
        }
      }
      assert.ok(held <= 4 * MiB, `${held} bytes were held`);
      assert.ok(held > 2 * MiB, `${held} bytes were held, where 4 MiB may be`);
      assert.ok(ms < 5_000, `${ms} ms`);

      await using events = await rig.app.events("/connections/home/events?types=connected");
      proxy.cut();
      proxy.thaw();
      await events.next("connected");
      const answer = await publish(rig, "t", "after", "&qos=1");
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.inflight, 0);
    },
    { ...options, environment: () => ({ CONNACK_MAX_INFLIGHT_BYTES: `${4 * MiB}` }) },
  );
});

async function messagesOf(rig: Rig, id: string, count: number): Promise<string[]> {
  const call: Rig["call"] = (method, path, ...rest) =>
    rig.call(method, path.replace("/home/", `/${id}/`), ...rest);
  const items = await messages({ call }, count);
  return items.map(({ payload }) => payload);
}
