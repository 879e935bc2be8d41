import assert from "node:assert/strict";
import { OwnAddresses } from "../../src/egress/own-addresses.ts";
import type { EgressPolicy } from "../../src/egress/policy.ts";
import { policyOf } from "../support/policies.ts";
import { describe, it } from "../support/test.ts";

describe("OwnAddresses", () => {
  const interfaces = () => ({
    eth0: [{ address: "192.0.2.2" }, { address: "fe80::1%eth0" }, { address: "fd00::2" }],
  });
  const ownOf = (hostname: string, port: number) => {
    const own = new OwnAddresses(interfaces as unknown as ConstructorParameters<typeof OwnAddresses>[0]);
    own.listening(hostname, port);
    return policyOf({ allow: "0.0.0.0/0,::/0", own });
  };
  const at = (policy: EgressPolicy, address: string, port = 8080) => policy.check("x", port, address);

  it("a listening address is never allowed, on that port alone", () => {
    const policy = ownOf("127.0.0.1", 8080);
    for (const text of ["127.0.0.1", "::ffff:127.0.0.1", "::7f00:1"])
      assert.equal(at(policy, text), false, text);
    for (const text of ["127.0.0.2", "::1", "192.0.2.2"]) assert.equal(at(policy, text), true, text);
    assert.equal(at(policy, "127.0.0.1", 8081), true);
  });

  it("so is a link-local one, whose zone is not compared", () => {
    for (const hostname of ["fe80::1%eth0", "[fe80::1%2]", "fe80::1"]) {
      for (const text of ["fe80::1%eth0", "fe80::1%2", "fe80::1"])
        assert.equal(at(ownOf(hostname, 8080), text), false, `${hostname} ${text}`);
    }
  });

  it("localhost is both addresses", () => {
    for (const text of ["127.0.0.1", "::1"]) assert.equal(at(ownOf("localhost", 8080), text), false);
  });

  it("a wildcard, or a name, is every address of this machine", () => {
    for (const hostname of ["0.0.0.0", "::", "[::]", "this-host.example"]) {
      const policy = ownOf(hostname, 8080);
      for (const text of ["127.0.0.1", "127.3.2.1", "::1", "192.0.2.2", "fe80::1%eth0", "fd00:0::2"])
        assert.equal(at(policy, text), false, `${hostname} ${text}`);
      assert.equal(at(policy, "192.0.2.3"), true);
      assert.equal(at(policy, "192.0.2.2", 1883), true);
    }
  });

  it("that are not told may be any, on that port alone", () => {
    const own = new OwnAddresses(() => {
      throw new Error("Requires sys access");
    });
    own.listening("0.0.0.0", 8080);
    const policy = policyOf({ allow: "0.0.0.0/0,::/0", own });
    for (const text of ["127.0.0.1", "192.0.2.2", "8.8.8.8"]) assert.equal(at(policy, text), false, text);
    assert.equal(at(policy, "192.0.2.2", 1883), true);
  });
});
