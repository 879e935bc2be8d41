import assert from "node:assert/strict";
import { findVanished, peerKey, vanishedIn } from "../../src/stream/vanished.ts";
import { describe, it } from "../support/test.ts";

const head =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const socket = (remote: string, { state = "01", queued = "00000012", unanswered = "00000004" } = {}) =>
  `   1: 0100630A:238B ${remote} ${state} ${queued}:00000000 01:000000A0 ${unanswered}     0        0 598144 2`;

describe("vanishedIn()", () => {
  const remote = "0200630A:E550";
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["a peer that left four retransmissions unanswered", socket(remote), [remote]],
    ["a peer that left three unanswered", socket(remote, { unanswered: "00000003" }), []],
    ["a peer that has acknowledged all", socket(remote, { queued: "00000000" }), []],
    ["a socket that is being closed", socket(remote, { state: "04" }), []],
    ["IPv4 in IPv6", socket(`0000000000000000FFFF0000${remote}`), [remote]],
    [
      "one of many",
      [socket("0300630A:0050", { unanswered: "00000000" }), socket(remote)].join("\n"),
      [remote],
    ],
    ["an empty table", "", []],
  ];
  for (const [what, lines, expected] of cases) {
    it(`finds ${expected.length === 0 ? "nobody" : "the peer"} in: ${what}`, () => {
      assert.deepEqual(vanishedIn(`${head}\n${lines}\n`), expected);
    });
  }
});

describe("peerKey()", () => {
  it("names an address as the kernel does", () => {
    assert.equal(peerKey({ address: "10.99.0.2", port: 0xe550 }), "0200630A:E550");
    assert.equal(peerKey({ address: "::ffff:10.99.0.2", port: 80 }), "0200630A:0050");
    assert.equal(peerKey({ address: "fe80::1", port: 80 }), "000080FE000000000000000001000000:0050");
  });
});

describe("findVanished()", () => {
  it("finds nobody among sockets that answer, and does not fail where there is no such table", async () => {
    assert.ok((await findVanished()) instanceof Set);
  });
});
