import assert from "node:assert/strict";
import { readAdvice } from "./support/advisories.ts";
import { bunPackages, npmPackages, readSupplyChain, type SupplyChain } from "./support/supply-chain.ts";
import { findings } from "./support/supply-chain-rules.ts";
import { describe, it } from "./support/test.ts";

const chain = readSupplyChain();

/** The chain with one package of package-lock.json changed. */
function withNpm(name: string, change: Partial<SupplyChain["npm"][number]>): SupplyChain {
  return { ...chain, npm: chain.npm.map((each) => (each.name === name ? { ...each, ...change } : each)) };
}

/** The chain with one package of bun.lock changed. */
function withBun(name: string, change: Partial<SupplyChain["bun"][number]>): SupplyChain {
  return { ...chain, bun: chain.bun.map((each) => (each.name === name ? { ...each, ...change } : each)) };
}

describe("what we depend on", () => {
  it("is pinned, hashed, from one registry, the same in both lock files, and as listed", () => {
    assert.deepEqual(findings(chain), []);
    assert.ok(chain.npm.length > 100 && chain.bun.length > 100);
    assert.ok(Object.values(chain.policy.installScripts).every((reason) => reason.length > 20));
  });

  const hash = `sha512-${"A".repeat(86)}==`;
  const { manifest, policy } = chain;
  const faults: readonly (readonly [name: string, SupplyChain, RegExp])[] = [
    [
      "a range",
      { ...chain, manifest: { ...manifest, dependencies: { zod: "^4.6.7" } } },
      /zod is not pinned/,
    ],
    [
      "a tag",
      { ...chain, manifest: { ...manifest, devDependencies: { bun: "latest" } } },
      /bun is not pinned/,
    ],
    ["a package without a hash", withNpm("zod", { integrity: null }), /zod@.* has no SHA-512 hash/],
    [
      "another version in bun.lock",
      withBun("zod", { version: "4.6.6" }),
      /zod@4\.6\.6 is not in package-lock/,
    ],
    ["another hash in bun.lock", withBun("zod", { integrity: hash }), /zod@.* has another hash/],
    [
      "git",
      withNpm("zod", { source: "git+ssh://git@host.example/zod.git#abc" }),
      /elsewhere than a registry/,
    ],
    ["a tarball", withNpm("zod", { source: "https://host.example/zod.tgz" }), /elsewhere than a registry/],
    ["a folder", withBun("zod", { source: "zod@file:../zod" }), /elsewhere than a registry/],
    ["an install script", withNpm("mqtt", { installScript: true }), /mqtt@.* runs a script/],
    [
      "a trusted package",
      { ...chain, manifest: { ...manifest, trustedDependencies: ["mqtt"] } },
      /mqtt is trusted/,
    ],
    ["a licence", withNpm("mqtt", { licence: "GPL-3.0-only" }), /mqtt@.* has the licence GPL-3\.0-only/],
    ["a new package at run time", withNpm("fast-check", { runtime: true }), /fast-check is new at run time/],
    ["one that is gone", withNpm("ws", { runtime: false }), /ws is listed, and not needed/],
    ["too many", { ...chain, policy: { ...policy, mostRuntimePackages: 10 } }, /at most 10 are allowed/],
  ];
  for (const [name, broken, pattern] of faults) {
    it(`does not pass with ${name}`, () => {
      assert.match(findings(broken).join("\n"), pattern);
    });
  }

  it("does not pass with two registries", () => {
    const at = (host: string, { name, version }: { name: string; version: string }) =>
      `https://${host}/${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
    const all = (host: (name: string) => string) => ({
      ...chain,
      npm: chain.npm.map((each) => Object.assign({}, each, { source: at(host(each.name), each) })),
    });
    assert.deepEqual(findings(all(() => "one.example")), []);
    const two = findings(all((name) => (name === "zod" ? "two.example" : "one.example")));
    assert.deepEqual(two, ["packages come from 2 registries"]);
  });
});

describe("the lock files' readers", () => {
  it("npmPackages() tells a link and a place from a registry", () => {
    const packages = {
      "": { name: "connack" },
      "node_modules/a": { version: "1.0.0", link: true },
      "node_modules/b/node_modules/@c/d": { version: "1.0.0", resolved: "git+https://x", dev: true },
    };
    const [a, d] = npmPackages(JSON.stringify({ packages }));
    assert.deepEqual([a?.source, a?.integrity, a?.licence, a?.runtime], ["link", null, "none", true]);
    assert.deepEqual([d?.name, d?.source, d?.runtime], ["@c/d", "git+https://x", false]);
  });

  it("bunPackages() tells what comes from a registry from what does not", () => {
    const text = `{"packages": {
      "a": ["a@1.0.0", "", {}, "sha512-${"A".repeat(86)}=="],
      "b": ["@x/b@git+https://x#abc", {}, "abc"],
      "c": ["c@1.0.0", "https://other.example/", {}, "sha1-x"],
    }}`;
    const [a, b, c] = bunPackages(text);
    assert.deepEqual([a?.name, a?.version, a?.source], ["a", "1.0.0", null]);
    assert.deepEqual([b?.name, b?.source], ["@x/b", "@x/b@git+https://x#abc"]);
    assert.deepEqual([c?.source, c?.integrity], ["https://other.example/", null]);
  });
});

describe("readAdvice()", () => {
  const runtime = new Set(["mqtt"]);
  const advisory = (severity: string) => [{ severity, title: "t", url: "u" }];

  it("counts what is high or critical at run time, and notes the rest", () => {
    const table = { mqtt: [...advisory("critical"), ...advisory("low")], oxlint: advisory("high") };
    assert.deepEqual(readAdvice(JSON.stringify(table), "", runtime), {
      type: "told",
      grave: ["mqtt: critical: t u"],
      others: ["mqtt: low: t u", "oxlint: high: t u"],
    });
    assert.deepEqual(readAdvice("{}", "", runtime), { type: "told", grave: [], others: [] });
  });

  it("does not take silence for good news", () => {
    for (const [stdout, stderr] of [
      ["", "bun audit v1\nerror: POST … - 405"],
      ["", ""],
      ["null", ""],
      ["<html>", ""],
      ['{"message": "not here"}', ""],
    ] as const)
      assert.equal(readAdvice(stdout, stderr, runtime).type, "unreachable", stdout);
    assert.deepEqual(readAdvice("", "bun audit v1\nerror: 405", runtime), {
      type: "unreachable",
      why: "error: 405",
    });
  });
});
