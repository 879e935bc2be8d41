import assert from "node:assert/strict";
import { accepts, knowsOnly311, refuses } from "../support/broker-scripts.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

interface Stage {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

async function probe(rig: Rig, request: object, query = "") {
  const answer = await rig.call("POST", `/probe${query}`, {
    username: "u",
    password: rig.canary,
    ...request,
  });
  assert.equal(answer.status, 200, answer.text);
  const stages: Stage[] = answer.body.stages;
  for (const stage of stages) assert.ok(stage.ms >= 0 && stage.detail.length > 0);
  return { body: answer.body, stages: stages.map(({ name, ok }) => `${name} ${ok ? "ok" : "failed"}`) };
}

const withMosquitto = { skip: needs("mosquitto") };

describe("POST /probe", () => {
  itHolds(
    "mosquitto: every stage is ok, the CONNACK shows, and nothing is kept",
    async (rig) => {
      await using broker = await startMosquitto();
      const { body, stages } = await probe(rig, { url: broker.url, clientId: "probe-1" });
      assert.equal(body.ok, true);
      assert.deepEqual(stages, ["dns ok", "tcp ok", "connack ok"]);
      assert.equal(body.connack.reasonCode, 0);
      assert.equal(body.protocolVersion, "5");
      assert.equal(body.clientId, "probe-1");
      assert.equal(body.address, "127.0.0.1");
      assert.equal("problem" in body, false);
      await broker.logged(/Client probe-1 disconnected/);
    },
    withMosquitto,
  );

  itHolds(
    "tls: its stage, ok and failed",
    async (rig) => {
      const { ca, server } = await makeCertificates();
      const broker = await rig.broker(accepts(), { tls: server });
      const trusted = await probe(rig, { url: broker.url, tls: { ca: ca.cert } });
      assert.deepEqual(trusted.stages, ["dns ok", "tcp ok", "tls ok", "connack ok"]);
      const { body, stages } = await probe(rig, { url: broker.url });
      assert.deepEqual(stages, ["dns ok", "tcp ok", "tls failed"]);
      assert.equal(body.problem.code, "tls-error");
      assert.equal(body.problem.cause, "unknown-ca");
    },
    { skip: needs("openssl") },
  );

  itHolds("nothing listens: it comes as far as tcp", async (rig) => {
    const { body, stages } = await probe(rig, { url: `mqtt://127.0.0.1:${await freePort()}` });
    assert.equal(body.ok, false);
    assert.deepEqual(stages, ["dns ok", "tcp failed"]);
    assert.equal(body.problem.code, "connection-refused");
    assert.equal(body.problem.type, "/problems/connection-refused");
    assert.equal("connack" in body, false);
  });

  itHolds("a refusal: connack failed, with the code", async (rig) => {
    const broker = await rig.broker(refuses(0x86));
    const { body, stages } = await probe(rig, { url: broker.url });
    assert.deepEqual(stages, ["dns ok", "tcp ok", "connack failed"]);
    assert.equal(body.problem.mqtt.reasonCode, 0x86);
  });

  itHolds(
    "auto, and a broker that knows only 3.1.1: the refusal shows, and then the success",
    async (rig) => {
      const broker = await rig.broker(knowsOnly311());
      const { body, stages } = await probe(rig, { url: broker.url, protocolVersion: "auto" });
      const reached = ["dns ok", "tcp ok"];
      assert.deepEqual(stages, [...reached, "connack failed", ...reached, "connack ok"]);
      assert.match(body.stages[2].detail, /Unsupported Protocol Version/);
      assert.equal(body.ok, true);
      assert.equal(body.protocolVersion, "3.1.1");
      assert.equal("problem" in body, false);
    },
  );

  itHolds("a broker that says nothing: bounded by ?wait", async (rig) => {
    const broker = await rig.broker(silent());
    const [{ body, stages }, ms] = await timed(probe(rig, { url: broker.url }, "?wait=0.4"));
    assert.deepEqual(stages, ["dns ok", "tcp ok", "connack failed"]);
    assert.equal(body.problem.code, "connack-timeout");
    assert.ok(ms >= 390 && ms < 1_400, `${ms} ms`);
  });

  itHolds("a request that is not valid: 422, since nothing ran", async (rig) => {
    assertProblem(
      await rig.call("POST", "/probe", { url: "mqtt://127.0.0.1", keepAlive: -1 }),
      422,
      "invalid-request",
    );
    const topic = await rig.call("POST", "/probe?roundTrip=a/%23", { url: "mqtt://127.0.0.1" });
    assertProblem(topic, 422, "invalid-request");
    assert.equal(topic.body.errors[0].parameter, "roundTrip");
  });
});

describe("POST /probe?roundTrip", () => {
  for (const protocolVersion of ["5", "3.1.1", "3.1"]) {
    itHolds(
      `${protocolVersion}: a message goes to mosquitto and comes back`,
      async (rig) => {
        await using broker = await startMosquitto();
        const request = { url: broker.url, protocolVersion };
        const { body, stages } = await probe(rig, request, "?roundTrip=check/1");
        assert.equal(body.ok, true, JSON.stringify(body));
        assert.equal(stages.at(-1), "roundTrip ok");
      },
      withMosquitto,
    );
  }

  itHolds("the subscription is refused: that stage failed, and the CONNACK still shows", async (rig) => {
    const broker = await rig.broker(accepts({}, { granted: () => 0x87 }));
    const { body, stages } = await probe(rig, { url: broker.url }, "?roundTrip=a");
    assert.equal(body.ok, false);
    assert.equal(stages.at(-1), "roundTrip failed");
    assert.equal(body.problem.code, "round-trip-failed");
    assert.equal(body.connack.reasonCode, 0);
  });

  itHolds("the message does not come back: bounded by ?wait", async (rig) => {
    const broker = await rig.broker(accepts());
    const [{ body, stages }, ms] = await timed(probe(rig, { url: broker.url }, "?roundTrip=a&wait=0.4"));
    assert.equal(body.ok, false);
    assert.equal(stages.at(-1), "roundTrip failed");
    assert.ok(ms < 2_000, `${ms} ms`);
  });

  itHolds("the broker closes meanwhile: failed at once", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("subscribe", () => peer.reset());
    });
    const [{ stages }, ms] = await timed(probe(rig, { url: broker.url }, "?roundTrip=a"));
    assert.equal(stages.at(-1), "roundTrip failed");
    assert.ok(ms < 2_000, `${ms} ms`);
  });
});
