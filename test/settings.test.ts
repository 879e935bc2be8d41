import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLoopback, parseSettings, SettingsError, settingsTable } from "../src/settings.ts";
import { startMain } from "./support/program.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

/** The lines with which the settings are refused. */
function refusal(environment: Record<string, string>, file?: unknown): string[] {
  try {
    parseSettings(environment, file);
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message.split("\n");
  }
  return [];
}

describe("parseSettings()", () => {
  it("has a default for each, which is what stands in the table", () => {
    const settings = parseSettings({});
    assert.equal(Object.keys(settings).length, Object.keys(settingsTable).length);
    assert.deepEqual([settings.host, settings.port, settings.heartbeatMs], ["127.0.0.1", 8080, 15_000]);
  });

  it("takes the environment over the file, and the file over the default", () => {
    const file = { port: 1, heartbeatMs: 200, dnsServers: ["10.0.0.1", "[fd00::1]:53"] };
    const settings = parseSettings({ CONNACK_PORT: "0", HOME: "/root" }, file);
    assert.deepEqual([settings.port, settings.heartbeatMs, settings.maxStreams], [0, 200, 10_000]);
    assert.deepEqual(settings.dnsServers, ["10.0.0.1", "[fd00::1]:53"]);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["CONNACK_PORT", "65536"],
    ["CONNACK_PORT", "-1"],
    ["CONNACK_PORT", "80.5"],
    ["CONNACK_PORT", ""],
    ["CONNACK_PORT", " 80"],
    ["CONNACK_PORT", "0x50"],
    ["CONNACK_STORE", "sqlite:"],
    ["CONNACK_STORE", "postgres://x"],
    ["CONNACK_STORE_MAX_BYTES", "1000"],
    ["CONNACK_LOG_LEVEL", "verbose"],
    ["CONNACK_LOG_FORMAT", "xml"],
    ["CONNACK_HEARTBEAT_MS", "99"],
    ["CONNACK_SHUTDOWN_GRACE_MS", "1e3"],
    ["CONNACK_MAX_PACKET_BYTES", "268435456"],
    ["CONNACK_DNS_SERVERS", "dns.example"],
    ["CONNACK_HOST", "a b"],
    ["CONNACK_HOST", ""],
  ];
  for (const [name, value] of wrong) {
    it(`refuses ${name}=${JSON.stringify(value)}, and names it`, () => {
      const lines = refusal({ [name]: value });
      assert.ok(
        lines.some((line) => line.startsWith(`${name}=${JSON.stringify(value)}: `)),
        lines.join("\n"),
      );
    });
  }

  it("does not show a store's password, though it is wrong elsewhere", () => {
    const [line] = refusal({ CONNACK_STORE: "nats://me:canary@127.0.0.1:99999" });
    assert.match(line ?? "", /^CONNACK_STORE: expected/);
  });

  it("names all that is wrong at once, in the environment and in the file", () => {
    const lines = refusal({ CONNACK_PORT: "x", CONNACK_PROT: "80" }, { maxStreams: 0, maxStream: 1 });
    for (const name of ["CONNACK_PORT=", "CONNACK_PROT: ", "CONNACK_MAX_STREAMS=", "maxStream: "])
      assert.ok(
        lines.some((line) => line.startsWith(name)),
        `${name} in ${lines.join("\n")}`,
      );
    assert.equal(lines.length, 4);
  });

  it("refuses names that only look like settings", () => {
    for (const name of ["CONNACK_", "CONNACK_port", "CONNACK_toString", "CONNACK___proto__"])
      assert.deepEqual(refusal({ [name]: "1" }), [`${name}: no such setting`]);
    assert.deepEqual(refusal({}, { toString: "1" }), [
      "toString: no such setting (in the configuration file)",
    ]);
  });

  it("takes only an object for a file", () => {
    for (const file of [null, [], "port=1", 80])
      assert.deepEqual(refusal({}, file), ["the configuration file must hold one JSON object"]);
  });

  it("knows the addresses that only this machine reaches", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) assert.ok(isLoopback(host), host);
    for (const host of [
      "0.0.0.0",
      "::",
      "10.0.0.1",
      "example.org",
      "127.0.0.1.example.org",
      "localhost.example.org",
      "2130706433",
    ]) {
      assert.ok(!isLoopback(host), host);
      assert.equal(parseSettings({ CONNACK_HOST: host }).host, host);
    }
  });
});

describe("main.ts", () => {
  const refuses = async (environment: Record<string, string>, args: readonly string[], pattern: RegExp) => {
    await using connack = startMain(environment, args);
    assert.equal(await connack.exited, 2, connack.output());
    assert.match(connack.output(), pattern);
    assert.doesNotMatch(connack.output(), /listening|\bat .*:\d+:\d+/);
  };

  it("does not start with settings that are wrong: status 2, and their names", async () => {
    await refuses(
      { CONNACK_HOST: "a b", CONNACK_PROT: "1" },
      [],
      /CONNACK_HOST="a b": .*\nCONNACK_PROT: no such setting/,
    );
  });

  it("listens where other machines reach it with a token only", async () => {
    await using open = startMain({ CONNACK_HOST: "0.0.0.0" });
    assert.equal(await open.exited, 1, open.output());
    assert.match(
      open.output(),
      /^cannot start: CONNACK_HOST="0\.0\.0\.0" can be reached from other machines/,
    );
    await using connack = startMain({ CONNACK_HOST: "0.0.0.0", CONNACK_ADMIN_TOKEN: "a".repeat(32) });
    await connack.printed(/connack listening on http:\/\/0\.0\.0\.0:\d+\n/);
  });

  it("does not start with an option or a file that is not there", async () => {
    await refuses({}, ["--prot"], /--prot: no such option/);
    await refuses({}, ["--config"], /--config needs the name of a file/);
    await refuses({}, ["--config", "/does/not/exist.json"], /--config \/does\/not\/exist\.json: /);
  });

  it("reads --config, and takes the environment over it", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "config.json");
    writeFileSync(path, JSON.stringify({ port: 1, logLevel: "error", shutdownGraceMs: 100 }));
    await using connack = startMain({ CONNACK_PORT: "0" }, ["--config", path]);
    const line = await connack.printed(/connack listening on http:\/\/127\.0\.0\.1:\d+\n/);
    assert.notEqual(new URL(line.trim().split(" ").at(-1) ?? "").port, "1");
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0);
    // At that level nothing is said of the stopping.
    assert.equal(connack.output(), line);
    writeFileSync(path, "{");
    await refuses({}, ["--config", path], /--config .*config\.json: /);
  });
});
