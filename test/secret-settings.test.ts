import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { readSecretKeys } from "../src/secret-key-file.ts";
import { parseSettings, SettingsError } from "../src/settings.ts";
import { startMain } from "./support/program.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const bytesOf = (fill: number) => Buffer.alloc(32, fill);
const base64 = (fill: number) => bytesOf(fill).toString("base64");
const hex = (fill: number) => bytesOf(fill).toString("hex");

/** The fills of the keys that are read. */
function fills(environment: Record<string, string>, file: unknown = {}): number[] {
  return readSecretKeys(parseSettings(environment, file)).map((key) => {
    const bytes = key.reveal();
    assert.deepEqual(Buffer.from(bytes), bytesOf(bytes[0] ?? 0));
    return bytes[0] ?? 0;
  });
}

function refusal(environment: Record<string, string>, file: unknown = {}): string {
  try {
    readSecretKeys(parseSettings(environment, file));
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message;
  }
  return assert.fail("taken");
}

describe("CONNACK_SECRET_KEY", () => {
  it("is 32 bytes as base64 with or without padding, or as hex digits; several, in their order", () => {
    assert.deepEqual(fills({}), []);
    assert.deepEqual(fills({ CONNACK_SECRET_KEY: base64(7) }), [7]);
    assert.deepEqual(fills({ CONNACK_SECRET_KEY: base64(7).slice(0, 43) }), [7]);
    assert.deepEqual(fills({ CONNACK_SECRET_KEY: hex(0xab).toUpperCase() }), [0xab]);
    assert.deepEqual(fills({ CONNACK_SECRET_KEY: `${hex(9)}, ${base64(3)},${base64(5)}` }), [9, 3, 5]);
    assert.deepEqual(fills({}, { secretKey: [base64(1), hex(2)] }), [1, 2]);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["only commas", ", ,"],
    ["a password", "correct horse battery staple"],
    ["31 bytes", Buffer.alloc(31, 1).toString("base64")],
    ["33 bytes", Buffer.alloc(33, 1).toString("base64")],
    ["63 hex digits", hex(1).slice(1)],
    ["base64 that no encoder prints", `${base64(1).slice(0, 42)}F`],
    ["another alphabet", `${base64(0xff).slice(0, 42).replaceAll("/", "_")}8`],
    ["a second one that is none", `${base64(1)},${base64(2).slice(1)}`],
    ["the same key twice, in two forms", `${base64(1)},${hex(1)}`],
  ];
  for (const [name, value] of wrong) {
    it(`refuses ${name}, names the setting, and does not repeat the value`, () => {
      for (const message of [refusal({ CONNACK_SECRET_KEY: value }), refusal({}, { secretKey: value })]) {
        assert.match(message, /^CONNACK_SECRET_KEY: /);
        const parts = value.split(/[ ,]/).filter((part) => part.length > 5);
        for (const part of parts) assert.ok(!message.includes(part), message);
      }
    });
  }

  it("does not come out of the settings, however they are printed", () => {
    const settings = parseSettings({ CONNACK_SECRET_KEY: base64(7) });
    const printed = [JSON.stringify(settings), inspect(settings, { depth: 9, showHidden: true })].join("\n");
    for (const form of [base64(7).slice(0, 20), hex(7).slice(0, 20), "7, 7", "7,7", "07 07"])
      assert.ok(!printed.includes(form), printed);
  });
});

describe("CONNACK_SECRET_KEY_FILE", () => {
  const withFile = (text: string, mode: number, body: (path: string) => void) => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "keys");
    writeFileSync(path, text);
    chmodSync(path, mode);
    body(path);
  };

  it("has a key a line, the first of which seals, and comments", () => {
    const text = `# of 2026\n${base64(2)}\r\n\n  ${hex(1)} # the old one\n#${base64(9)}\n`;
    for (const mode of [0o600, 0o400])
      withFile(text, mode, (path) => assert.deepEqual(fills({ CONNACK_SECRET_KEY_FILE: path }), [2, 1]));
    withFile(base64(4), 0o600, (path) => assert.deepEqual(fills({}, { secretKeyFile: path }), [4]));
  });

  it("is refused where others have any permission on it, with the command that helps", () => {
    for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644])
      withFile(base64(1), mode, (path) => {
        const message = refusal({ CONNACK_SECRET_KEY_FILE: path });
        assert.ok(message.startsWith(`CONNACK_SECRET_KEY_FILE="${path}": `), message);
        assert.ok(message.endsWith(`chmod 600 ${path}`), message);
      });
  });

  it("is refused with the number of the line that is wrong, and not with what is on it", () => {
    const bad = base64(3).slice(1);
    withFile(`# keys\n${base64(1)}\n${bad}\n`, 0o600, (path) => {
      const message = refusal({ CONNACK_SECRET_KEY_FILE: path });
      assert.match(message, /^CONNACK_SECRET_KEY_FILE=".*": line 3: expected 32 bytes/);
      for (const text of [bad, base64(1)]) assert.ok(!message.includes(text), message);
    });
    withFile("# none yet\n", 0o600, (path) =>
      assert.match(refusal({ CONNACK_SECRET_KEY_FILE: path }), /: no key; expected 32 bytes/),
    );
    withFile("#".repeat(65_537), 0o600, (path) =>
      assert.match(refusal({ CONNACK_SECRET_KEY_FILE: path }), /at most 65536 bytes/),
    );
  });

  it("is refused where it is not there, or no file", () => {
    using directory = temporaryDirectory();
    const missing = join(directory.path, "missing");
    assert.match(refusal({ CONNACK_SECRET_KEY_FILE: missing }), /^CONNACK_SECRET_KEY_FILE=".*missing": /);
    const folder = join(directory.path, "folder");
    mkdirSync(folder, { mode: 0o700 });
    assert.match(refusal({ CONNACK_SECRET_KEY_FILE: folder }), /: is not a file$/);
    assert.match(refusal({ CONNACK_SECRET_KEY_FILE: "" }), /expected the name of a file/);
  });

  it("is not read beside CONNACK_SECRET_KEY: one of both is meant", () => {
    const message = refusal({ CONNACK_SECRET_KEY: base64(1), CONNACK_SECRET_KEY_FILE: "/does/not/exist" });
    assert.equal(message, "CONNACK_SECRET_KEY and CONNACK_SECRET_KEY_FILE: only one of them can be set");
  });
});

describe("main.ts", () => {
  const refuses = async (environment: Record<string, string>, args: readonly string[], pattern: RegExp) => {
    await using connack = startMain(environment, args);
    assert.equal(await connack.exited, 2, connack.output());
    assert.match(connack.output(), pattern);
    assert.doesNotMatch(connack.output(), /listening|\bat .*:\d+:\d+|geheim/);
  };

  it("does not start with a key that is none, or a file of keys that others can read", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "keys");
    writeFileSync(path, base64(1), { mode: 0o644 });
    await refuses({ CONNACK_SECRET_KEY: "geheim" }, [], /^CONNACK_SECRET_KEY: key 1: expected 32 bytes/);
    await refuses({ CONNACK_SECRET_KEY_FILE: path }, [], /^CONNACK_SECRET_KEY_FILE=".*": .*chmod 600 /);
  });

  it("does not repeat what stands in a configuration file that is not JSON", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "config.json");
    for (const text of ["{secretKey: geheim}", '{"secretKey": geheim}', '{"secretKey": "geheim", geheim}']) {
      writeFileSync(path, text);
      await refuses({}, ["--config", path], /^--config .*config\.json: is not JSON/);
    }
  });
});
