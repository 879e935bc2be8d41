import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { makeCertificates, type Certificates } from "../support/certificates.ts";
import { startMain, type Program } from "../support/program.ts";
import { rawExchange } from "../support/raw-http.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { before, describe, it } from "../support/test.ts";

const run = promisify(execFile);

/** Handshakes that are not completed. Deno 2.9.6 keeps them until the caller closes, whatever is done to end them. */
const unshaken = thisRuntime === "deno" ? [] : ["", Buffer.from("16030100ff", "hex")];

/** Writes what is given as PEM files, and gives the settings that name them. */
function files(directory: string, cert: string | null, key: string | null): Record<string, string> {
  const at = (name: string) => join(directory, name);
  if (cert !== null) writeFileSync(at("cert.pem"), cert);
  if (key !== null) writeFileSync(at("key.pem"), key);
  return { CONNACK_TLS_CERT_FILE: at("cert.pem"), CONNACK_TLS_KEY_FILE: at("key.pem") };
}

async function portOf(server: Program): Promise<number> {
  const line = await server.printed(/connack listening on https:\/\/127\.0\.0\.1:\d+\n/);
  return Number(/(\d+)\n/.exec(line)?.[1]);
}

describe("HTTPS", () => {
  let made: Certificates;
  before(async () => {
    made = await makeCertificates();
  });

  it("is served with the certificate, by HTTP/1.1 and HTTP/2, and stops within the grace", async () => {
    using directory = temporaryDirectory();
    const { cert, key } = made.server;
    await using server = startMain(files(directory.path, cert, key));
    const port = await portOf(server);
    writeFileSync(join(directory.path, "ca.pem"), made.ca.cert);
    const trust = ["--cacert", join(directory.path, "ca.pem")];
    const { stdout } = await run("curl", ["-s", "--http1.1", ...trust, `https://localhost:${port}/healthz`]);
    assert.deepEqual(JSON.parse(stdout), { ok: true });
    const session = connectHttp2(`https://localhost:${port}`, { ca: made.ca.cert });
    const stream = session.request({ ":path": "/healthz" });
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 200);
    stream.resume();
    await once(stream, "end");
    server.signal("SIGTERM");
    assert.equal(await server.exited, 0);
    session.destroy();
  });

  it(
    "what is not TLS, and a handshake or a head that does not come, is closed; others are served",
    async () => {
      using directory = temporaryDirectory();
      const { cert, key } = made.server;
      const settings = files(directory.path, cert, key);
      await using server = startMain({ ...settings, CONNACK_HEADER_TIMEOUT_MS: "400" });
      const port = await portOf(server);
      const tls = connect({ port, host: "127.0.0.1", ca: made.ca.cert, servername: "localhost" });
      await once(tls, "secureConnect");
      tls.on("error", () => {});
      tls.write("GET /heal");
      const closed = once(tls.resume(), "close");
      const ends = await Promise.all([
        rawExchange(port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ...unshaken.map((bytes) => rawExchange(port, bytes)),
      ]);
      await closed;
      for (const { text, ms } of ends) {
        assert.doesNotMatch(text, / 200 /);
        assert.ok(ms < (thisRuntime === "bun" ? 30_000 : 2_000), `${ms} ms`);
      }
      const { stdout } = await run("curl", ["-sk", `https://127.0.0.1:${port}/healthz`]);
      assert.deepEqual(JSON.parse(stdout), { ok: true });
    },
    { timeout: 40_000 },
  );

  const refused: readonly {
    readonly name: string;
    readonly of: (made: Certificates, directory: string) => Record<string, string>;
    readonly says: RegExp;
  }[] = [
    {
      name: "no key is named",
      of: ({ server }, directory) => {
        const { CONNACK_TLS_CERT_FILE } = files(directory, server.cert, null);
        return { CONNACK_TLS_CERT_FILE: CONNACK_TLS_CERT_FILE ?? "" };
      },
      says: /^CONNACK_TLS_CERT_FILE and CONNACK_TLS_KEY_FILE: both are needed, or neither\n$/,
    },
    {
      name: "the certificate is missing",
      of: ({ server }, directory) => files(directory, null, server.key),
      says: /^CONNACK_TLS_CERT_FILE="[^"]*cert\.pem": .*\n$/,
    },
    {
      name: "the key is missing",
      of: ({ server }, directory) => files(directory, server.cert, null),
      says: /^CONNACK_TLS_KEY_FILE="[^"]*key\.pem": .*\n$/,
    },
    {
      name: "the certificate is not PEM",
      of: ({ server }, directory) => files(directory, "nonsense", server.key),
      says: /^CONNACK_TLS_CERT_FILE=.*: does not hold a certificate as PEM\n$/,
    },
    {
      name: "the key is not PEM",
      of: ({ server }, directory) => files(directory, server.cert, "nonsense"),
      says: /^CONNACK_TLS_KEY_FILE=.*: does not hold a private key as PEM\n$/,
    },
    {
      name: "the key is another one's",
      of: ({ server, client }, directory) => files(directory, server.cert, client.key),
      says: /^CONNACK_TLS_KEY_FILE=.*: is not the key of the certificate in .*cert\.pem\n$/,
    },
  ];
  for (const { name, of, says } of refused) {
    it(`does not start when ${name}, and says so`, async () => {
      using directory = temporaryDirectory();
      await using server = startMain(of(made, directory.path));
      assert.equal(await server.exited, 2);
      assert.match(server.output(), says);
    });
  }
});
