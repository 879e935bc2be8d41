import assert from "node:assert/strict";
import { judge, type Place, type ServerFacts } from "../../src/cluster/safety.ts";
import { describe, it } from "../support/test.ts";

const server = (name: string, more: Partial<ServerFacts> = {}): ServerFacts => ({
  ...{ name, version: "2.15.1", syncAlways: true, syncIntervalMs: null },
  ...more,
});
const three = ["n1", "n2", "n3"].map((name) => server(name));
const safe: Place = { servers: three, replicas: 3, unchecked: null };

interface Case {
  readonly name: string;
  readonly place: Place;
  readonly risks: readonly string[];
  readonly survives: RegExp;
}

const lazy = { syncAlways: false, syncIntervalMs: 30_000 };
const cases: readonly Case[] = [
  {
    name: "three copies on disk",
    place: safe,
    risks: [],
    survives: /^on 3 servers: 1 of them may be lost; a power failure .* loses nothing that was acknowledged$/,
  },
  { name: "five", place: { ...safe, replicas: 5 }, risks: [], survives: /^on 5 servers: 2 of them may be/ },
  {
    name: "two",
    place: { ...safe, replicas: 2 },
    risks: ["few-replicas"],
    survives: /^on 2 servers: without one of them nothing can be kept until it is back; /,
  },
  {
    name: "one lazy server among three",
    place: { ...safe, servers: [...three.slice(1), server("n9", lazy)] },
    risks: ["lazy-sync"],
    survives: /can lose the last 30 s$/,
  },
  {
    name: "the oldest that will do",
    place: { ...safe, servers: [server("n1", { version: "2.12.0" }), server("n2", { version: "3.0.0" })] },
    risks: [],
    survives: /loses nothing/,
  },
  {
    name: "old ones, of two versions",
    place: {
      ...safe,
      servers: [server("n1", { version: "2.11.9" }), server("n2", { version: "2.9.10" })],
    },
    risks: ["old-servers", "old-servers"],
    survives: /; with nats-server 2\.11\.9, 2\.9\.10, what two nodes keep at the same time can be lost/,
  },
  {
    name: "nobody to be asked",
    place: { servers: [], replicas: 3, unchecked: "for a reason" },
    risks: ["unchecked-servers"],
    survives: /it is not known what a power failure of all at once can lose$/,
  },
];

describe("judge()", () => {
  for (const { name, place, risks, survives } of cases)
    it(`knows what ${name} can lose`, () => {
      const verdict = judge(place);
      assert.deepEqual(
        verdict.refusals.map(({ risk }) => risk),
        risks,
      );
      assert.match(verdict.survives, survives);
    });

  it("says the same of several servers once, with their names", () => {
    const { refusals } = judge({ ...safe, servers: three.map(({ name }) => server(name, lazy)) });
    assert.equal(refusals.length, 1);
    assert.match(refusals[0]?.sentence ?? "", /^nats-server n1, n2, n3 may acknowledge records 30 s before/);
  });
});
