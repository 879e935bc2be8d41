import assert from "node:assert/strict";
import { startAedes } from "../support/aedes-broker.ts";
import { accepts } from "../support/broker-scripts.ts";
import { makeCertificates, type Certificates } from "../support/certificates.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { before, describe } from "../support/test.ts";

const withMosquitto = { skip: needs("mosquitto", "openssl") };
const withOpenssl = { skip: needs("openssl") };
let made: Certificates;
before(async () => {
  if (needs("openssl") === false) made = await makeCertificates();
});

describe("transports", () => {
  for (const [name, options] of [
    ["tcp", {}],
    ["ws", { websockets: true }],
  ] as const) {
    itHolds(
      `${name} to mosquitto, with the timings of its stages`,
      async (rig) => {
        await using broker = await startMosquitto(options);
        const { status, body, text } = await rig.open({ url: broker.url });
        assert.equal(status, 201, text);
        assert.equal(body.broker.address, "127.0.0.1");
        assert.equal(body.broker.url, broker.url);
        for (const stage of ["dnsMs", "tcpMs", "connackMs"])
          assert.equal(typeof body.timings[stage], "number");
        assert.equal(body.timings.tlsMs, null);
        assert.equal(typeof body.timings.wsMs === "number", name === "ws");
      },
      withMosquitto,
    );
  }

  itHolds(
    "tls to mosquitto, by URL and in parts",
    async (rig) => {
      const { ca, server } = made;
      await using broker = await startMosquitto({ tls: { ca: ca.cert, ...server } });
      const byUrl = await rig.open({ url: broker.url, tls: { ca: ca.cert } });
      assert.equal(byUrl.status, 201, byUrl.text);
      assert.equal(typeof byUrl.body.timings.tlsMs, "number");
      const parts = { host: "localhost", port: broker.port, transport: "tls", tls: { ca: ca.cert } };
      const inParts = await rig.open(parts);
      assert.equal(inParts.status, 201, inParts.text);
      assert.equal(inParts.body.broker.url, `mqtts://localhost:${broker.port}`);
    },
    withMosquitto,
  );

  for (const transport of ["ws", "wss"] as const) {
    itHolds(
      `${transport} to aedes, with path, headers and subprotocol; 1.5 MiB arrive`,
      async (rig) => {
        await using broker = await startAedes({ transport, certificate: made.server });
        const tls = transport === "wss" ? { tls: { ca: made.ca.cert } } : {};
        const { status, text } = await rig.open({
          id: "ws",
          url: `${broker.url}/mqtt?token=${rig.canary}`,
          websocket: { headers: { "X-Key": rig.canary } },
          subscriptions: [{ topicFilter: "big", qos: 1 }],
          ...tls,
        });
        assert.equal(status, 201, text);
        const [upgrade] = broker.upgrades;
        assert.equal(upgrade?.path, `/mqtt?token=${rig.canary}`);
        assert.equal(upgrade.headers["x-key"], rig.canary);
        assert.equal(upgrade.headers["sec-websocket-protocol"], "mqtt");
        assert.equal(upgrade.headers.host, `127.0.0.1:${broker.port}`);
        await using events = await rig.app.events("/connections/ws/events?lastEventId=earliest");
        await events.next("subscribed");
        const size = 1_572_864;
        await using sender = await connectClient(broker.url, { rejectUnauthorized: false });
        await sender.publishAsync("big", Buffer.alloc(size, 7), { qos: 1 });
        // The broker has acknowledged; what it forwards is on its way. A ping's answer comes after it.
        await rig.call("POST", "/connections/ws/ping");
        const { counters } = (await rig.call("GET", "/connections/ws")).body;
        assert.equal(counters.messagesIn, 1);
        assert.ok(counters.bytesIn > size, `${counters.bytesIn} bytes`);
      },
      withOpenssl,
    );
  }

  for (const [status, retryable] of [
    [401, false],
    [404, false],
    [503, true],
  ] as const) {
    itHolds(`ws refused with HTTP ${status}: 502 websocket-refused`, async (rig) => {
      await using broker = await startAedes({ transport: "ws", rejectUpgrade: status });
      const answer = await rig.open({ url: broker.url });
      assertProblem(answer, 502, "websocket-refused");
      assert.equal(answer.body.httpStatus, status);
      assert.equal(answer.body.retryable, retryable);
      assert.equal(answer.body.stage, "websocket");
    });
  }
});

describe("bindAddress", () => {
  itHolds(
    "is where the connection comes from",
    async (rig) => {
      await using broker = await startMosquitto();
      const { status, text } = await rig.open({ url: broker.url, bindAddress: "127.0.0.2" });
      assert.equal(status, 201, text);
      await broker.logged(/New client connected from 127\.0\.0\.2/);
    },
    withMosquitto,
  );

  for (const bindAddress of ["192.0.2.1", "::1"]) {
    itHolds(`${bindAddress}, from which the broker cannot be reached: 422`, async (rig) => {
      const broker = await rig.broker(accepts());
      const answer = await rig.open({ url: broker.url, bindAddress });
      assertProblem(answer, 422, "bind-address-unavailable");
      assert.equal(answer.body.errors[0].pointer, "/bindAddress");
      assert.equal(broker.peers.length, 0);
    });
  }
});
