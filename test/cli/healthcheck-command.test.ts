import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { makeCertificates } from "../support/certificates.ts";
import { runCommand } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/needs.ts";
import { startMain } from "../support/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

describe("connack healthcheck", () => {
  it("finds the server where the settings have it listen, or at --url", async () => {
    await using connack = startMain();
    const url = (await connack.printed(/http:\/\/\S+/)).trim();
    const { port } = new URL(url);
    for (const [args, environment] of [
      [[], { CONNACK_PORT: port }],
      [["--ready"], { CONNACK_PORT: port, CONNACK_HOST: "0.0.0.0" }],
      [["--url", url], {}],
    ] as const) {
      const { status, stdout, stderr } = await runCommand(["healthcheck", ...args], environment);
      assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    }
  });

  it("fails with the reason where nothing listens", async () => {
    const port = String(await freePort());
    const { status, stderr } = await runCommand(["healthcheck"], { CONNACK_PORT: port });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^http://127\\.0\\.0\\.1:${port}/healthz does not answer: `));
  });

  it("asks by https where a certificate is set, whatever name that has", async () => {
    using directory = temporaryDirectory();
    const { server } = await makeCertificates();
    const files = { CERT: join(directory.path, "cert.pem"), KEY: join(directory.path, "key.pem") };
    writeFileSync(files.CERT, server.cert);
    writeFileSync(files.KEY, server.key, { mode: 0o600 });
    const tls = { CONNACK_TLS_CERT_FILE: files.CERT, CONNACK_TLS_KEY_FILE: files.KEY };
    await using connack = startMain(tls);
    const { port } = new URL((await connack.printed(/https:\/\/\S+/)).trim());
    const { status, stderr } = await runCommand(["healthcheck"], { ...tls, CONNACK_PORT: port });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  it(
    "says what is wrong with how it is called, with status 2",
    async () => {
      for (const [args, environment, said] of [
        [["--what"], {}, /expected --ready/],
        [["--url", "mqtt://a"], {}, /^--url: expected/],
        [[], { CONNACK_PORT: "0" }, /any port; give the one/],
        [[], { CONNACK_PORT: "x" }, /CONNACK_PORT/],
      ] as const) {
        const { status, stderr } = await runCommand(["healthcheck", ...args], { ...environment });
        assert.equal(status, 2, stderr);
        assert.match(stderr, said);
      }
      assert.equal((await runCommand(["healthcheck", "--help"], {})).status, 0);
    },
    { skip: needs("openssl") },
  );
});
