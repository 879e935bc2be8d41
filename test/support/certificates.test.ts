import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, type ConnectionOptions } from "node:tls";
import { startAedes } from "./aedes-broker.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { needs } from "./needs.ts";
import { describe, it } from "./test.ts";

// One runtime does not tell an expired certificate from one whose issuer it does not know.
const expected: readonly (readonly [keyof Certificates, RegExp])[] = [
  ["server", /^ok$/],
  ["expired", /^CERT_HAS_EXPIRED$|^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/],
  ["wrongHost", /^ERR_TLS_CERT_ALTNAME_INVALID$/],
  ["selfSigned", /^DEPTH_ZERO_SELF_SIGNED_CERT$/],
];

describe("makeCertificates()", () => {
  for (const [name, outcome] of expected) {
    it(
      `${name} gives ${String(outcome)} for 127.0.0.1 and localhost`,
      async () => {
        const certificates = await makeCertificates();
        const certificate = certificates[name];
        await using broker = await startAedes({ transport: "tls", certificate });
        const options = { port: broker.port, host: "127.0.0.1", ca: certificates.ca.cert };
        assert.match(await handshake(options), outcome);
        assert.match(await handshake({ ...options, servername: "localhost" }), outcome);
      },
      { skip: needs("openssl") },
    );
  }

  it(
    "expired differs from server in its dates only",
    async () => {
      const { ca, expired } = await makeCertificates();
      const certificate = new X509Certificate(expired.cert);
      assert.equal(new Date(certificate.validTo).getUTCFullYear(), 2021);
      assert.equal(certificate.issuer, new X509Certificate(ca.cert).subject);
      assert.match(certificate.subjectAltName ?? "", /localhost.*127\.0\.0\.1/);
    },
    { skip: needs("openssl") },
  );
});

async function handshake(options: ConnectionOptions): Promise<string> {
  const socket = connect(options);
  try {
    await once(socket, "secureConnect");
    return "ok";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}
