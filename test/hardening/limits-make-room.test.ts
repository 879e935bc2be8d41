import assert from "node:assert/strict";
import { connect } from "node:net";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace } from "../support/durable-app.ts";
import { itHolds } from "../support/invariants.ts";
import { assertLimited, readMetrics } from "../support/limit-scene.ts";
import { messages, type MessageView } from "../support/message-calls.ts";
import { acknowledgesWith, message, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const refusedOf = (setting: string) => `connack_limit_refused_total{limit="${setting}"}`;
const usedOf = (setting: string) => `connack_limit_used{limit="${setting}"}`;

describe("CONNACK_MAX_TOTAL_LOG_BYTES", () => {
  for (const durable of [false, true]) {
    it(`the log that is added to loses its oldest, its readers are told, and others lose nothing (durable: ${durable})`, async () => {
      await using broker = await startScriptedBroker(accepts());
      await using place = durablePlace();
      const setting = "CONNACK_MAX_TOTAL_LOG_BYTES";
      const app = await place.start({ ...place.environment, [setting]: "100000" });
      const call: typeof app.call = (...request) => app.call(...request);
      for (const id of ["quiet", "home"]) {
        const put = await call("PUT", `/connections/${id}`, { url: broker.url, log: { durable } });
        assert.equal(put.status, 201, put.text);
      }
      const [quiet, loud] = [await broker.connection(1), await broker.connection(2)];
      for (let n = 0; n < 3; n += 1) quiet.send(message("t", "q".repeat(1_000)));
      await viewWhen(app, "quiet", ({ counters }) => counters.messagesIn === 3);
      loud.send(message("t", "first"));
      const [first] = await messages({ call }, 1);
      for (let n = 0; n < 50; n += 1) loud.send(message("t", `${n}`.padEnd(10_000)));
      await viewWhen(app, "home", ({ counters }) => counters.messagesIn === 51);
      // On disk first, where they are durable.
      const numbers = async () => {
        const { body } = await call("GET", `/connections/home/messages?after=${first!.id}&limit=1000`);
        return {
          gap: body.gap,
          all: body.items.map(({ payload }: MessageView) => Number(payload)) as number[],
        };
      };
      let read = await numbers();
      while (read.all.at(-1) !== 49) read = await numbers();
      assert.equal(read.gap?.requested, first!.id);
      assert.ok(read.all.length >= 5 && read.all.length <= 10, read.all.join());
      assert.deepEqual(
        read.all,
        Array.from(read.all, (_, i) => 50 - read.all.length + i),
      );
      const others = await call("GET", "/connections/quiet/messages?after=earliest");
      assert.equal(others.body.items.length, 3, others.text);
      const metrics = await readMetrics(app);
      assert.ok(metrics.get(usedOf(setting))! <= 100_000, `${metrics.get(usedOf(setting))}`);
      assert.ok(metrics.get(refusedOf(setting))! >= 30);
    });
  }
});

describe("CONNACK_MAX_IDEMPOTENCY_KEYS", () => {
  itHolds(
    "the oldest answer is forgotten, and the newest is given again",
    async (rig) => {
      const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
      await rig.open({ id: "home", url: broker.url });
      const publish = (key: string) =>
        rig.call("POST", "/connections/home/publish?topic=a&qos=1", "x", {
          ...{ "content-type": "text/plain", "idempotency-key": key },
        });
      for (const key of ["one", "two", "three"]) assert.equal((await publish(key)).status, 200);
      const again = await publish("three");
      assert.equal(again.headers.get("idempotent-replayed"), "true");
      assert.equal((await publish("one")).headers.has("idempotent-replayed"), false);
      const metrics = await readMetrics(rig.app);
      assert.equal(metrics.get(usedOf("CONNACK_MAX_IDEMPOTENCY_KEYS")), 2);
      assert.equal(metrics.get(refusedOf("CONNACK_MAX_IDEMPOTENCY_KEYS")), 2);
    },
    { environment: () => ({ CONNACK_MAX_IDEMPOTENCY_KEYS: "2" }) },
  );
});

describe("CONNACK_MAX_TOTAL_BODY_BYTES", () => {
  const setting = "CONNACK_MAX_TOTAL_BODY_BYTES";
  for (const path of ["/connections/home/publish?topic=a", "/probe"]) {
    for (const length of ["Content-Length: 900", "Transfer-Encoding: chunked"]) {
      itHolds(
        `a body that is being read takes its part, and gives it back when its caller goes (${path}, ${length})`,
        async (rig) => {
          const broker = await rig.broker(accepts());
          await rig.open({ id: "home", url: broker.url });
          const { hostname, port } = new URL(rig.app.url);
          const slow = connect(Number(port), hostname);
          slow.on("error", () => {});
          slow.write(
            `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
          );
          slow.write(length.endsWith("chunked") ? "1\r\n{\r\n" : "{");
          const used = async () => (await readMetrics(rig.app)).get(usedOf(setting));
          while ((await used()) === 0);
          const publish = () =>
            rig.call("POST", "/connections/home/publish?topic=a", "x".repeat(400), {
              "content-type": "text/plain",
            });
          assertLimited(await publish(), "limit-reached", setting);
          assertLimited(await rig.call("POST", "/probe", { url: "x".repeat(300) }), "limit-reached", setting);
          slow.destroy();
          while ((await used()) !== 0);
          assert.equal((await publish()).status, 202);
          assert.equal((await readMetrics(rig.app)).get(refusedOf(setting)), 2);
        },
        {
          environment: () => ({
            [setting]: "1024",
            CONNACK_MAX_BODY_BYTES: "1024",
            CONNACK_MAX_PAYLOAD_BYTES: "1024",
          }),
        },
      );
    }
  }
});
