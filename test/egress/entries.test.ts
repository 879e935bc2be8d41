import assert from "node:assert/strict";
import { parseEgressEntry } from "../../src/egress/entries.ts";
import { parseSettings, SettingsError } from "../../src/settings.ts";
import { describe, it } from "../support/test.ts";

/** An entry in a few words. */
function shown(text: string): string {
  const parsed = parseEgressEntry(text);
  if (!parsed.ok) return parsed.detail;
  const { target, port } = parsed.entry;
  const at = port === null ? "" : ` port ${port}`;
  switch (target.kind) {
    case "any":
      return `any${at}`;
    case "class":
      return `class ${target.name}${at}`;
    case "addresses":
      return `${target.range[0].toString()}/${target.range[1]}${at}`;
    case "host":
      return `host ${target.name}${at}`;
    case "pattern":
      return `pattern ${target.suffix}${at}`;
    default:
      return target satisfies never;
  }
}

describe("parseEgressEntry()", () => {
  for (const [text, expected] of [
    ["10.1.0.0/16", "10.1.0.0/16"],
    ["10.0.0.0/8:1883", "10.0.0.0/8 port 1883"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.0.2.7", "192.0.2.7/32"],
    ["192.0.2.7:65535", "192.0.2.7/32 port 65535"],
    ["fd00::/8", "fd00::/8"],
    ["FD00::1", "fd00::1/128"],
    ["[fd00::1]", "fd00::1/128"],
    ["[fd00::1]:1883", "fd00::1/128 port 1883"],
    ["[fd00::/8]:1883", "fd00::/8 port 1883"],
    ["fd00::1:1883", "fd00::1:1883/128"],
    ["::/0", "::/0"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::ffff:10.0.0.1", "10.0.0.1/32"],
    ["::10.0.0.1", "::a00:1/128"],
    ["broker.example", "host broker.example"],
    ["Broker.Example.:8883", "host broker.example port 8883"],
    ["a_b.example", "host a_b.example"],
    ["xn--bcher-kva.example", "host xn--bcher-kva.example"],
    ["localhost", "host localhost"],
    ["*.example.com", "pattern .example.com"],
    ["*.example.com:8883", "pattern .example.com port 8883"],
    [":8883", "any port 8883"],
    ["public", "class public"],
    ["private", "class private"],
    ["loopback", "class loopback"],
  ] as const)
    it(`reads ${text}`, () => assert.equal(shown(text), expected));

  for (const [text, pattern] of [
    ["10.1.2.3/8", /the network is 10\.0\.0\.0\/8/],
    ["fd00::1/8", /the network is fd00::\/8/],
    ["10.0.0.0/33", /0 to 32 bits/],
    ["fd00::/129", /0 to 128 bits/],
    ["10.0.0.0/", /0 to 32 bits/],
    ["10.0.0.0/8/8", /network as/],
    ["10.0.0.0/-1", /0 to 32 bits/],
    ["10.0.0/8", /network as/],
    ["broker.example/8", /network as/],
    ["127.1", /four decimal numbers/],
    ["2130706433", /four decimal numbers/],
    ["0x7f000001", /four decimal numbers/],
    ["0177.0.0.1", /four decimal numbers/],
    ["256.0.0.1", /four decimal numbers/],
    ["fe80::1%eth0", /expected/],
    ["[fe80::1%eth0]:1883", /brackets/],
    ["[10.0.0.1]:1883", /brackets/],
    ["[broker.example]:1883", /brackets/],
    ["[private]", /brackets/],
    ["[]:1883", /brackets/],
    ["[fd00::1]1883", /expected/],
    ["[fd00::1", /expected/],
    ["broker.example:0", /a port is/],
    ["broker.example:65536", /a port is/],
    ["broker.example:", /a port is/],
    ["broker.example:mqtt", /a port is/],
    [":", /a port is/],
    [":08883", /a port is/],
    ["private:1883", /takes no port/],
    ["*", /expected/],
    ["*.", /expected/],
    ["*:8883", /expected/],
    ["a.*.example", /expected/],
    ["*.*.example", /expected/],
    ["*example.com", /expected/],
    ["-a.example", /expected/],
    ["a..example", /expected/],
    ["mqtt://broker.example", /a port is/],
    ["bücher.example", /expected/],
    ["", /expected/],
    [" ", /expected/],
  ] as const)
    it(`refuses ${JSON.stringify(text)}, and names it`, () => {
      const detail = shown(text);
      assert.ok(detail.startsWith(`"${text}": `), detail);
      assert.match(detail, pattern);
    });
});

describe("CONNACK_EGRESS_ALLOW and CONNACK_EGRESS_DENY", () => {
  it("are lists, of which every bad entry is named", () => {
    const settings = parseSettings(
      { CONNACK_EGRESS_DENY: "public, 10.0.0.0/8" },
      { egressAllow: ["a.example", ":8883"] },
    );
    assert.deepEqual([settings.egressAllow.length, settings.egressDeny.length], [2, 2]);
    assert.deepEqual(parseSettings({}).egressAllow, []);
    assert.throws(
      () => parseSettings({ CONNACK_EGRESS_ALLOW: "a.example,10.0.0.1/8,*" }),
      (error) =>
        error instanceof SettingsError &&
        /^CONNACK_EGRESS_ALLOW=.*"10\.0\.0\.1\/8": .*; "\*": [^\n]*$/.test(error.message),
    );
  });
});
