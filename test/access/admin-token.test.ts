import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { readAdminToken } from "../../src/admin-token-file.ts";
import { parseSettings, SettingsError } from "../../src/settings.ts";
import { adminToken } from "../support/access.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const read = (environment: Record<string, string>) => readAdminToken(parseSettings(environment));

function refusal(environment: Record<string, string>): string {
  try {
    read(environment);
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message;
  }
  return assert.fail("taken");
}

describe("CONNACK_ADMIN_TOKEN", () => {
  it("is 32 or more visible characters of any form, and does not come out of the settings", () => {
    assert.equal(read({}), null);
    for (const text of [adminToken, '!"#$%&()*+,-./:;<=>?@[]^_`{|}~0123', "x".repeat(1_024)])
      assert.equal(read({ CONNACK_ADMIN_TOKEN: text })?.reveal(), text);
    const settings = parseSettings({ CONNACK_ADMIN_TOKEN: adminToken });
    const printed = JSON.stringify(settings) + inspect(settings, { depth: 9, showHidden: true });
    assert.ok(!printed.includes(adminToken));
  });

  it("is refused where it is short or would not fit into a header, and is not repeated", () => {
    for (const text of [
      "",
      "geheim",
      "geheim".repeat(5),
      `geheim ${adminToken}`,
      `${adminToken}ä`,
      `${adminToken}\n`,
    ]) {
      const message = refusal({ CONNACK_ADMIN_TOKEN: text });
      assert.match(message, /^CONNACK_ADMIN_TOKEN: expected /);
      assert.ok(!/geheim|0123/.test(message), message);
    }
  });
});

describe("CONNACK_ADMIN_TOKEN_FILE", () => {
  it("has one token, and is readable by its owner only", () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "token");
    writeFileSync(path, `${adminToken}\n`, { mode: 0o600 });
    assert.equal(read({ CONNACK_ADMIN_TOKEN_FILE: path })?.reveal(), adminToken);
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      chmodSync(path, mode);
      const message = refusal({ CONNACK_ADMIN_TOKEN_FILE: path });
      assert.ok(
        message.startsWith(`CONNACK_ADMIN_TOKEN_FILE="${path}": `) && message.endsWith(`chmod 600 ${path}`),
      );
    }
    writeFileSync(path, `${adminToken}\n${adminToken}\n`);
    chmodSync(path, 0o600);
    const message = refusal({ CONNACK_ADMIN_TOKEN_FILE: path });
    assert.match(message, /: expected visible ASCII/);
    assert.ok(!message.includes(adminToken));
    assert.match(refusal({ CONNACK_ADMIN_TOKEN_FILE: join(directory.path, "none") }), /token|none/);
  });

  it("is not read beside CONNACK_ADMIN_TOKEN: one of both is meant", () => {
    assert.equal(
      refusal({ CONNACK_ADMIN_TOKEN: adminToken, CONNACK_ADMIN_TOKEN_FILE: "/none" }),
      "CONNACK_ADMIN_TOKEN and CONNACK_ADMIN_TOKEN_FILE: only one of them can be set",
    );
  });
});
