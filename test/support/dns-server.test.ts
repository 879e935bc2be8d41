import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { startDnsServer } from "./dns-server.ts";
import { describe, it } from "./test.ts";

describe("startDnsServer()", () => {
  it("answers from its table, and NXDOMAIN for the rest", async () => {
    await using server = await startDnsServer({ "broker.test": ["127.0.0.1", "::1"] });
    const resolver = resolverOf(server.address);
    assert.deepEqual(await resolver.resolve4("broker.test"), ["127.0.0.1"]);
    assert.deepEqual(await resolver.resolve6("broker.test"), ["::1"]);
    await assert.rejects(resolver.resolve4("other.test"), { code: "ENOTFOUND" });
    server.table.set("other.test", ["10.0.0.1"]);
    assert.deepEqual(await resolver.resolve4("other.test"), ["10.0.0.1"]);
    // No code: there is a name without such an address, which both runtimes call ENOTFOUND and Node ENODATA.
    await assert.rejects(resolver.resolve6("other.test"));
    assert.deepEqual(server.queries.slice(0, 2), ["A broker.test", "AAAA broker.test"]);
  });

  it("asks a function for every query", async () => {
    const answers = ["192.0.2.1", "127.0.0.1"];
    await using server = await startDnsServer({ "rebind.test": () => answers.splice(0, 1) });
    const resolver = resolverOf(server.address);
    assert.deepEqual(await resolver.resolve4("rebind.test"), ["192.0.2.1"]);
    assert.deepEqual(await resolver.resolve4("rebind.test"), ["127.0.0.1"]);
  });

  it("says nothing when silent", async () => {
    await using server = await startDnsServer({ "broker.test": ["127.0.0.1"] });
    server.mode = "silent";
    const resolver = resolverOf(server.address, 200);
    await assert.rejects(resolver.resolve4("broker.test"), { code: "ETIMEOUT" });
    assert.equal(server.queries[0], "A broker.test");
  });
});

function resolverOf(address: string, timeout = 5_000): Resolver {
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([address]);
  return resolver;
}
