import assert from "node:assert/strict";
import { makeCertificates, type Certificates } from "../support/certificates.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { before, describe } from "../support/test.ts";

const skip = needs("openssl");
let made: Certificates;
before(async () => {
  if (skip === false) made = await makeCertificates();
});

/** Each with the certificate that the broker shows, and the authority that is trusted; by openssl, none is of time. */
const refused = [
  ["expired", "expired", "ca"],
  ["self-signed", "selfSigned", "ca"],
  ["self-signed", "selfSigned", undefined],
  ["host-name-mismatch", "wrongHost", "ca"],
  ["unknown-ca", "server", undefined],
  ["unknown-ca", "server", "selfSigned"],
] as const;

describe("S11: TLS that must not be trusted", () => {
  for (const [cause, shown, trusted] of refused) {
    for (const scheme of ["mqtts", "wss"] as const) {
      itHolds(
        `S11 ${scheme} ${shown}, trusting ${trusted ?? "the system's"}: 502 tls-error ${cause}, nothing is sent`,
        async (rig) => {
          const broker = await rig.broker(accepts(), { tls: made[shown] });
          const request = {
            url: `${scheme}://127.0.0.1:${broker.port}`,
            tls: trusted === undefined ? {} : { ca: made[trusted].cert },
          };
          const [answer, ms] = await timed(rig.open(request));
          assertProblem(answer, 502, "tls-error");
          assert.equal(answer.body.cause, cause, answer.text);
          assert.equal(answer.body.stage, "tls");
          assert.equal(answer.body.retryable, false);
          assert.ok(ms < 2_000, `${ms} ms`);
          await broker.idle();
          for (const peer of broker.peers) assert.deepEqual(peer.received, []);
        },
        { skip },
      );
    }
  }

  const mutual = (rig: Rig) => async (tls: object) => {
    const broker = await startMosquitto({
      tls: { ca: made.ca.cert, cert: made.server.cert, key: made.server.key, requireCertificate: true },
    });
    await using _ = broker;
    return await rig.open({ url: broker.url, tls: { ca: made.ca.cert, ...tls } });
  };
  const withMosquitto = { skip: needs("openssl", "mosquitto") };

  const without = async (rig: Rig) => {
    const answer = await mutual(rig)({});
    assertProblem(answer, 502, "tls-error");
    assert.equal(answer.body.cause, "client-certificate-required", answer.text);
    assert.equal(answer.body.retryable, false);
  };
  itHolds("S11 no client certificate: 502 tls-error client-certificate-required", without, withMosquitto);

  const stranger = async (rig: Rig) => {
    const { cert, key } = made.strangerClient;
    const answer = await mutual(rig)({ cert, key });
    assertProblem(answer, 502, "tls-error");
    assert.equal(answer.body.cause, "client-certificate-refused", answer.text);
  };
  itHolds("S11 a stranger's client certificate: 502 client-certificate-refused", stranger, withMosquitto);

  const failed = async (rig: Rig) => {
    const broker = await rig.broker(accepts(), { tls: made.expired });
    const request = { id: "old", url: broker.url, tls: { ca: made.ca.cert } };
    assert.equal((await rig.open(request, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/old/events?lastEventId=earliest");
    assert.equal((await events.next("failed")).data.code, "tls-error");
    const { body } = await rig.call("GET", "/connections/old");
    assert.equal(body.lastError.cause, "expired");
  };
  itHolds("S11 asynchronously: the connection fails, and is not tried again", failed, { skip });
});

describe("S13: certificates and keys that cannot be used", () => {
  const invalid: readonly (readonly [string, () => object, string])[] = [
    ["ca is no PEM", () => ({ ca: "garbage" }), "/tls/ca"],
    [
      "ca is PEM around garbage",
      () => ({ ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }),
      "/tls/ca",
    ],
    ["ca is a key", () => ({ ca: made.ca.key }), "/tls/ca"],
    ["cert is no PEM", () => ({ cert: "garbage", key: made.client.key }), "/tls/cert"],
    ["cert without key", () => ({ cert: made.client.cert }), "/tls/key"],
    ["key without cert", () => ({ key: made.client.key }), "/tls/cert"],
    ["key is no PEM", () => ({ cert: made.client.cert, key: "garbage" }), "/tls/key"],
    ["key of another certificate", () => ({ cert: made.client.cert, key: made.server.key }), "/tls/key"],
  ];
  for (const [name, tls, pointer] of invalid) {
    itHolds(
      `S13 ${name}: 422 at ${pointer}`,
      async (rig) => {
        const broker = await rig.broker(accepts());
        const answer = await rig.open({ url: `mqtts://127.0.0.1:${broker.port}`, tls: tls() });
        assertProblem(answer, 422, "invalid-request");
        assert.deepEqual(
          answer.body.errors.map((error: { pointer: string }) => error.pointer),
          [pointer],
        );
        assert.ok(!answer.text.includes("PRIVATE KEY"));
        assert.equal(broker.peers.length, 0);
      },
      { skip },
    );
  }
});
