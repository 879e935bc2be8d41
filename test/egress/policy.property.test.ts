import assert from "node:assert/strict";
import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { policyOf } from "../support/policies.ts";
import { describe, it } from "../support/test.ts";

describe("createEgressPolicy(), whatever is in the lists", () => {
  const ipv4 = fc
    .tuple(...Array.from({ length: 4 }, () => fc.nat(255)))
    .map((bytes) => new ipaddr.IPv4([...bytes]));
  const ipv6 = fc
    .tuple(...Array.from({ length: 16 }, () => fc.nat(255)))
    .map((bytes) => new ipaddr.IPv6([...bytes]));
  const network = (address: ipaddr.IPv4 | ipaddr.IPv6, bits: number) =>
    address.kind() === "ipv4"
      ? `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`
      : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`;
  const allow = fc.subarray([
    "0.0.0.0/0",
    "::/0",
    "public",
    "private",
    "loopback",
    "x.example",
    "*.example",
    ":1883",
  ]);
  const hosts = fc.constantFrom("x.example", "y.example", "x");
  /** The forms in which an IPv6 address can lead to an IPv4 one. */
  const hidden = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) => {
    const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
    const [ab, cd] = [hex(a, b), hex(c, d)];
    return [
      ...[`::ffff:${ab}:${cd}`, `64:ff9b::${ab}:${cd}`, `64:ff9b:1::${ab}:${cd}`, `2002:${ab}:${cd}::1`],
      ...[
        `2001:0:${ab}:${cd}::f7f7:f7f7`,
        `2001:0:808:808::${hex(a ^ 255, b ^ 255)}:${hex(c ^ 255, d ^ 255)}`,
      ],
      ...[`::ffff:0:${ab}:${cd}`, `64:ff9b:1:${ab}:${hex(0, c)}:${hex(d, 0)}::`],
    ];
  };

  it("no address inside a denied IPv4 network is allowed, nor what leads to it", () => {
    // 0.0.0.0/8 is never allowed itself, and nothing leads there.
    const somewhere = ipv4.filter((address) => address.octets[0] !== 0);
    fc.assert(
      fc.property(
        somewhere,
        fc.nat(32),
        allow,
        hosts,
        fc.boolean(),
        (address, bits, allowed, host, isOpen) => {
          const policy = policyOf({ isOpen, allow: allowed.join(","), deny: network(address, bits) });
          for (const text of [address.toString(), ...hidden(address.toByteArray())])
            assert.equal(policy.check(host, 1883, text), false, text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("no address inside a denied IPv6 network is allowed", () => {
    fc.assert(
      fc.property(ipv6, fc.nat(128), allow, hosts, fc.boolean(), (address, bits, allowed, host, isOpen) => {
        const policy = policyOf({ isOpen, allow: allowed.join(","), deny: network(address, bits) });
        assert.equal(policy.check(host, 1883, address.toString()), false);
      }),
      { numRuns: 500 },
    );
  });

  it("a longer list of what is denied allows nothing more", () => {
    fc.assert(
      fc.property(
        fc.oneof(ipv4, ipv6),
        fc.oneof(ipv4, ipv6),
        allow,
        hosts,
        (address, other, allowed, host) => {
          const before = policyOf({ allow: allowed.join(",") });
          const after = policyOf({ allow: allowed.join(","), deny: other.toString() });
          const text = address.toString();
          assert.ok(before.check(host, 1883, text) || !after.check(host, 1883, text));
        },
      ),
    );
  });
});
