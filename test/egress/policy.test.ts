import assert from "node:assert/strict";
import { resolveAllowed } from "../../src/broker/egress.ts";
import { AttemptError } from "../../src/broker/failure.ts";
import { createResolver } from "../../src/broker/resolver.ts";
import type { EgressPolicy } from "../../src/egress/policy.ts";
import { policyOf } from "../support/policies.ts";
import { describe, it } from "../support/test.ts";
import { destinations, policies, type PolicyName } from "./egress-table.ts";

const resolve = createResolver([]);

/** As an attempt does it. */
async function isAllowed(policy: EgressPolicy, host: string, port = 1883): Promise<boolean> {
  try {
    return (await resolveAllowed({ host, port }, resolve, policy)).length > 0;
  } catch (error) {
    assert.ok(error instanceof AttemptError);
    assert.equal(error.failure.code, "destination-forbidden", host);
    return false;
  }
}

describe("createEgressPolicy(), the table of destinations", () => {
  it("has enough rows, and none twice", () => {
    const hosts = destinations.map(({ host }) => host);
    assert.equal(new Set(hosts).size, hosts.length);
    assert.ok(hosts.length >= 80);
  });

  for (const [name, texts] of Object.entries(policies)) {
    it(`${name}: allows what the table says, and nothing else`, async () => {
      const policy = policyOf(texts);
      for (const { host, allowedBy } of destinations)
        assert.equal(await isAllowed(policy, host), allowedBy.includes(name as PolicyName), host);
    });
  }
});

type Case = readonly [host: string, port: number, address: string];
const lists: readonly {
  readonly name: string;
  readonly isOpen?: boolean;
  readonly allow?: string;
  readonly deny?: string;
  readonly allows: readonly Case[];
  readonly refuses: readonly Case[];
}[] = [
  {
    name: "DENY=public with a host name is a list of what is allowed",
    deny: "public,private,loopback",
    allow: "broker.example",
    allows: [
      ["broker.example", 1883, "8.8.8.8"],
      ["BROKER.example.", 1883, "8.8.8.8"],
      ["broker.example", 1883, "10.0.0.1"],
      ["broker.example", 1883, "127.0.0.1"],
      ["broker.example", 1883, "::1"],
    ],
    refuses: [
      ["other.example", 1883, "8.8.8.8"],
      ["a.broker.example", 1883, "8.8.8.8"],
      ["broker.example.test", 1883, "8.8.8.8"],
      ["8.8.8.8", 1883, "8.8.8.8"],
      ["broker.example", 1883, "169.254.169.254"],
      ["broker.example", 1883, "169.254.1.1"],
      ["broker.example", 1883, "100.64.0.1"],
      ["broker.example", 1883, "0.0.0.0"],
      ["broker.example", 1883, "64:ff9b::808:808"],
    ],
  },
  {
    name: "a pattern opens public and private addresses of subdomains, not the apex, and not this machine",
    isOpen: false,
    deny: "public",
    allow: "*.example.com",
    allows: [
      ["a.example.com", 1883, "8.8.8.8"],
      ["a.b.example.com.", 1883, "10.0.0.1"],
      ["A.EXAMPLE.com", 1883, "fd00::1"],
    ],
    refuses: [
      ["example.com", 1883, "8.8.8.8"],
      ["aexample.com", 1883, "8.8.8.8"],
      [".example.com", 1883, "8.8.8.8"],
      ["a.example.com", 1883, "127.0.0.1"],
      ["a.example.com", 1883, "::1"],
      ["a.example.com", 1883, "::ffff:127.0.0.1"],
      ["a.example.com", 1883, "100.64.0.1"],
    ],
  },
  {
    name: "an address or a network opens what is in it, special ranges too, but nothing of what is never allowed",
    isOpen: false,
    allow: "10.1.0.0/16,100.64.0.0/10,169.254.0.0/16,fe80::/10,127.0.0.1,224.0.0.0/4,0.0.0.0/8",
    allows: [
      ["x.example", 1883, "10.1.255.255"],
      ["10.1.0.1", 1883, "10.1.0.1"],
      ["10.1.0.1", 1883, "::ffff:10.1.0.1"],
      ["x", 1883, "100.127.0.1"],
      ["x", 1883, "169.254.1.1"],
      ["x", 1883, "fe80::1%eth0"],
      ["x", 1883, "127.0.0.1"],
    ],
    refuses: [
      ["x", 1883, "10.2.0.1"],
      ["x", 1883, "127.0.0.2"],
      ["x", 1883, "169.254.169.254"],
      ["x", 1883, "100.100.100.200"],
      ["x", 1883, "fe80::a9fe:a9fe%eth0"],
      ["x", 1883, "224.0.0.1"],
      ["x", 1883, "0.0.0.0"],
      ["x", 1883, "64:ff9b::a01:1"],
    ],
  },
  {
    name: "DENY wins over ALLOW, whichever of them is narrower",
    allow: "10.1.2.3,a.broker.example,private",
    deny: "10.0.0.0/8,*.broker.example,bad.example,:25,8.8.8.8:8883,2600::/16",
    allows: [
      ["x", 1883, "192.168.0.1"],
      ["broker.example", 1883, "8.8.8.8"],
      ["x", 1883, "8.8.8.8"],
    ],
    refuses: [
      ["10.1.2.3", 1883, "10.1.2.3"],
      ["10.1.2.3", 1883, "::ffff:10.1.2.3"],
      ["a.broker.example", 1883, "8.8.4.4"],
      ["Bad.Example.", 1883, "8.8.4.4"],
      ["x", 25, "8.8.4.4"],
      ["x", 8883, "8.8.8.8"],
      ["x", 1883, "2600::1"],
    ],
  },
  {
    name: "an IPv6 network in DENY is about mapped addresses as well",
    deny: "::/0",
    allows: [["x", 1883, "8.8.8.8"]],
    refuses: [
      ["x", 1883, "::ffff:8.8.8.8"],
      ["x", 1883, "2600::1"],
    ],
  },
  {
    name: "a mapped address or network in a list is that of IPv4",
    isOpen: false,
    allow: "::ffff:10.0.0.0/104",
    deny: "[::ffff:8.8.8.8]:1883",
    allows: [
      ["x", 1883, "10.1.2.3"],
      ["x", 8883, "8.8.8.8"],
    ],
    refuses: [["x", 1883, "8.8.8.8"]],
  },
  {
    name: "bare ports in ALLOW are the only ones, but for entries with a port of their own",
    isOpen: false,
    allow: ":8883,:443,broker.example:1884,[fd00::/8]:1885,10.0.0.0/8",
    allows: [
      ["x", 8883, "8.8.8.8"],
      ["x", 443, "8.8.8.8"],
      ["broker.example", 1884, "8.8.8.8"],
      ["broker.example", 1884, "192.168.0.1"],
      ["broker.example", 8883, "8.8.8.8"],
      ["x", 1885, "fd00::1"],
      ["x", 8883, "10.0.0.1"],
    ],
    refuses: [
      ["x", 1883, "8.8.8.8"],
      ["other.example", 1884, "8.8.8.8"],
      ["broker.example", 1883, "8.8.8.8"],
      ["broker.example", 8883, "192.168.0.1"],
      ["x", 8883, "fd00::1"],
      ["x", 1883, "10.0.0.1"],
    ],
  },
  {
    name: "words add classes and take them away, and DENY wins there, too",
    isOpen: false,
    allow: "private,loopback",
    deny: "public,loopback",
    allows: [["x", 1883, "10.0.0.1"]],
    refuses: [
      ["x", 1883, "8.8.8.8"],
      ["x", 1883, "127.0.0.1"],
    ],
  },
];

describe("createEgressPolicy(), with lists", () => {
  for (const { name, allows, refuses, ...texts } of lists) {
    it(name, () => {
      const policy = policyOf(texts);
      for (const destination of allows)
        assert.equal(policy.check(...destination), true, destination.join(" "));
      for (const destination of refuses)
        assert.equal(policy.check(...destination), false, destination.join(" "));
    });
  }

  it("refuses what is no address", () => {
    const policy = policyOf({ allow: "0.0.0.0/0,::/0" });
    for (const text of ["", "broker.example", "1.2.3.4.5", ":::", "%lo"])
      assert.equal(policy.check("x", 1883, text), false, text);
  });
});
