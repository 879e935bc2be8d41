import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { outcomeLines, painter, stageLine } from "../../src/cli/probe-report.ts";
import { connectionRequestSchema } from "../../src/request/connection-request.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { makeCertificates } from "../support/certificates.ts";
import { runCommand } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { needs } from "../support/needs.ts";
import { startMain } from "../support/program.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const probe = (args: readonly string[], input?: string) => runCommand(["probe", ...args], {}, input);

describe("connack probe", () => {
  it("tells each stage as it ends, and waits no longer than --timeout", async () => {
    await using broker = await startScriptedBroker(silent());
    await using program = startMain({}, ["probe", broker.url, "--timeout", "2"]);
    // The broker has not answered by then.
    await program.printed(/ok +tcp +[\d.]+ ms .*\n/);
    assert.doesNotMatch(program.output(), /connack/);
    assert.equal(await program.exited, 1);
    assert.match(program.output(), /failed connack [^]*\nconnack-timeout: .*\nhint: /);
  });

  it("shows what the CONNACK says, and the broker's limits", async () => {
    await using broker = await startScriptedBroker(
      accepts({ receiveMaximum: 7, retainAvailable: false, reasonString: "hi\u001B[2Jthere" }),
    );
    const { status, stdout } = await probe([broker.url, "--client-id", "me"]);
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /clientId +me\nreasonCode +0\nreasonString +hi\uFFFD\[2Jthere\nsessionPresent +false/,
    );
    assert.match(stdout, /receiveMaximum +7\n/);
    assert.match(stdout, /retainAvailable +false\n/);
    // Not a terminal: without colours, whatever the broker says.
    assert.ok(!stdout.includes("\u001B"));
  });

  it("says why the broker refuses: the reason code, its name, the broker's own words, and a hint", async () => {
    await using broker = await startScriptedBroker(refuses(0x86));
    const { status, stdout } = await probe([broker.url]);
    assert.equal(status, 1);
    assert.match(stdout, /broker-refused: .*\nreason code 134 \(0x86\): Bad User Name or Password\n/);
    assert.match(stdout, /\nhint: .+\n$/);
  });

  it("prints with --json what POST /probe answers, and nothing else", async () => {
    const { status, stdout, stderr } = await probe([`mqtt://127.0.0.1:${await freePort()}`, "--json"]);
    assert.deepEqual([status, stderr], [1, ""]);
    const body = JSON.parse(stdout);
    assert.deepEqual([body.ok, body.stages.length, body.problem.code], [false, 2, "connection-refused"]);
  });

  it("takes the password from standard input alone, and repeats none", async () => {
    const seen: unknown[] = [];
    await using broker = await startScriptedBroker(async (peer) => {
      const { username, password } = await peer.next("connect");
      seen.push(username, String(password));
      peer.end();
    });
    const args = [broker.url, "--username", "u", "--password-stdin"];
    await probe(args, "geheim\r\nmore\n");
    assert.deepEqual(seen, ["u", "geheim"]);
    for (const wrong of [
      ["mqtt://u:geheim@127.0.0.1:1"],
      ["mqtt://127.0.0.1:1", "--password", "geheim"],
      ["mqtt://127.0.0.1:1", "--password=geheim"],
      ["mqtt://127.0.0.1:1", "--password-stdin=geheim"],
    ]) {
      const { status, stdout, stderr } = await probe(wrong);
      assert.deepEqual([status, stdout], [2, ""], wrong.join(" "));
      assert.doesNotMatch(stderr, /geheim/);
    }
  });

  it(
    "trusts --ca, or with --insecure anybody",
    async () => {
      using directory = temporaryDirectory();
      const { ca, server } = await makeCertificates();
      const file = join(directory.path, "ca.pem");
      writeFileSync(file, ca.cert);
      await using broker = await startScriptedBroker(accepts(), { tls: server });
      const unknown = await probe([broker.url]);
      assert.equal(unknown.status, 1);
      assert.match(unknown.stdout, /failed tls [^]*tls-error: /);
      for (const trust of [["--ca", file], ["--insecure"]]) {
        const { status, stdout } = await probe([broker.url, ...trust]);
        assert.equal(status, 0, stdout);
      }
    },
    { skip: needs("openssl") },
  );

  it(
    "sends a message round with --round-trip",
    async () => {
      await using broker = await startMosquitto();
      const { status, stdout } = await probe([
        broker.url,
        "--round-trip",
        "a/b",
        "--protocol-version",
        "3.1.1",
      ]);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /ok +roundTrip +[\d.]+ ms/);
      assert.match(stdout, /protocolVersion +3\.1\.1\n/);
    },
    { skip: needs("mosquitto") },
  );

  it("says what is wrong with how it is called, with status 2", async () => {
    for (const [args, said] of [
      [[], /expected one URL/],
      [["mqtt://a", "mqtt://b"], /expected one URL/],
      [["http://a"], /^URL: expected a URL that begins with mqtt:/],
      [["mqtt://a", "--yaml"], /^--yaml: no such option/],
      [["mqtt://a", "--timeout", "61"], /^--timeout: expected 0\.1 to 60/],
      [["mqtt://a", "--round-trip", "a/#"], /^--round-trip: /],
      [["mqtt://a", "--insecure"], /^--ca, --cert, --key or --insecure: /],
      [["mqtts://a", "--ca", "/no/such/file"], /^--ca: .*no such file/i],
      [["mqtt://a", "--protocol-version", "4"], /^--protocol-version: /],
      [["mqtt://a", "--password-stdin"], /^--password-stdin: needs a username/],
    ] as const) {
      const { status, stdout, stderr } = await probe(args);
      assert.deepEqual([status, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, said);
    }
    const help = await probe(["--help"]);
    assert.deepEqual([help.status, help.stdout.startsWith("connack probe: ")], [0, true]);
  });
});

describe("the report of a probe", () => {
  const stage = { name: "tcp", ok: true, ms: 1.25, detail: "open" } as const;

  it("is coloured where that is wanted", () => {
    assert.ok(stageLine(stage, painter(true)).startsWith("\u001B[32mok    \u001B[0m tcp"));
    assert.equal(stageLine(stage, painter(false)), "ok     tcp            1.3 ms  open");
  });

  it("has nothing of a broker's that commands a terminal", () => {
    const { request } = connectionRequestSchema.parse({ url: "mqtt://a" });
    const connack = {
      sessionPresent: false,
      reasonCode: 0,
      properties: { userProperties: { "\u009B2J": "\u202Ex" } },
    };
    const established = {
      connack,
      protocolVersion: "5",
      clientId: "\u001B]0;x\u0007",
      address: "::1",
    } as const;
    const result = { ok: true, stages: [], established, problem: null, certificateEndsAt: null };
    const text = [...outcomeLines(result, request, painter(false))].join("\n");
    assert.doesNotMatch(text, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
  });
});
