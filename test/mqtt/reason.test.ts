import assert from "node:assert/strict";
import { protocolLevel, protocolName, type ProtocolVersion } from "../../src/mqtt/protocol-version.ts";
import { connackFailures, disconnectFailures } from "../../src/mqtt/reason-failures.ts";
import { connackVerdict, disconnectVerdict, reasonName, type ReasonPacket } from "../../src/mqtt/reason.ts";
import { describe, it } from "../support/test.ts";

const bytes = Array.from({ length: 256 }, (_, code) => code);
const versions: readonly ProtocolVersion[] = ["3.1", "3.1.1", "5"];

/** MQTT 5, the reason code table of each packet's own section; a second reading beside Table 2-6. */
const codesIn5: Readonly<Record<ReasonPacket, readonly number[]>> = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ],
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  // 0x8C stands in Table 2-6 only.
  disconnect: [
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
    0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0x00, 0x18, 0x19],
};

const packets: readonly ReasonPacket[] = [
  "connack",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "suback",
  "unsuback",
  "disconnect",
  "auth",
];

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}

function isKnownReason(packet: ReasonPacket, code: number, version: ProtocolVersion = "5"): boolean {
  return !reasonName(packet, code, version).startsWith("Unknown reason code");
}

describe("the codes that reasonName() knows", () => {
  for (const packet of packets) {
    it(`knows exactly the codes of ${packet} in MQTT 5`, () => {
      const known = bytes.filter((code) => isKnownReason(packet, code));
      // 1 to 5 come from 3.x brokers that refuse a version 5 CONNECT.
      const v3 = packet === "connack" ? [1, 2, 3, 4, 5] : [];
      assert.deepEqual(
        known,
        [...codesIn5[packet], ...v3].toSorted((a, b) => a - b),
      );
    });
  }

  it("knows exactly the codes of suback in MQTT 3.1.1 (MQTT-3.9.3-2)", () => {
    assert.deepEqual(
      bytes.filter((code) => isKnownReason("suback", code, "3.1.1")),
      [0, 1, 2, 0x80],
    );
  });

  it("knows no code but 0 in the 3.x packets that carry none", () => {
    for (const packet of ["puback", "pubrec", "pubrel", "pubcomp", "unsuback", "disconnect"] as const) {
      assert.deepEqual(
        bytes.filter((code) => isKnownReason(packet, code, "3.1.1")),
        [0],
      );
    }
  });

  it("knows no code outside of a byte", () => {
    for (const code of [-1, 256, 0x180, 0.5, Number.NaN]) assert.equal(isKnownReason("connack", code), false);
  });
});

describe("reasonName()", () => {
  const names: readonly (readonly [ReasonPacket, number, ProtocolVersion, string])[] = [
    ["connack", 0, "5", "Success"],
    ["connack", 0, "3.1.1", "Success"],
    ["suback", 0, "5", "Granted QoS 0"],
    ["suback", 1, "3.1", "Granted QoS 1"],
    ["suback", 2, "3.1.1", "Granted QoS 2"],
    ["suback", 0x80, "5", "Unspecified error"],
    ["suback", 0x80, "3.1.1", "Unspecified error"],
    ["unsuback", 0x11, "5", "No subscription existed"],
    ["puback", 0x10, "5", "No matching subscribers"],
    ["pubrec", 0x91, "5", "Packet Identifier in use"],
    ["pubrel", 0x92, "5", "Packet Identifier not found"],
    ["disconnect", 0, "5", "Normal disconnection"],
    ["disconnect", 0, "3.1.1", "Normal disconnection"],
    ["disconnect", 4, "5", "Disconnect with Will Message"],
    ["disconnect", 0x8e, "5", "Session taken over"],
    ["auth", 0x18, "5", "Continue authentication"],
    ["auth", 0x19, "5", "Re-authenticate"],
    ["connack", 1, "3.1.1", "Unsupported Protocol Version"],
    ["connack", 2, "3.1.1", "Client Identifier not valid"],
    ["connack", 3, "3.1", "Server unavailable"],
    ["connack", 4, "3.1.1", "Bad User Name or Password"],
    ["connack", 5, "3.1", "Not authorized"],
    ["connack", 1, "5", "Unsupported Protocol Version"],
    ["connack", 0x84, "3.1.1", "Unsupported Protocol Version"],
    ["connack", 0x7f, "5", "Unknown reason code 0x7f"],
    ["connack", 6, "3.1.1", "Unknown reason code 0x06"],
    ["puback", 0x87, "3.1.1", "Unknown reason code 0x87"],
    ["pubrel", 0x80, "5", "Unknown reason code 0x80"],
    ["disconnect", 0xff, "5", "Unknown reason code 0xff"],
  ];
  for (const [packet, code, version, name] of names) {
    it(`of ${packet} ${hex(code)} in MQTT ${version} is "${name}"`, () => {
      assert.equal(reasonName(packet, code, version), name);
    });
  }

  it("gives the 3.x return codes the names of their MQTT 5 counterparts", () => {
    for (const [v3, v5] of [
      [1, 0x84],
      [2, 0x85],
      [3, 0x88],
      [4, 0x86],
      [5, 0x87],
    ] as const) {
      assert.equal(reasonName("connack", v3, "3.1.1"), reasonName("connack", v5, "5"));
    }
  });
});

/** The contract: api.md, "How a connect attempt fails". */
const permanentConnack = [
  1, 2, 4, 5, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b, 0x9c, 0x9d,
];
const transientConnack = [3, 0x80, 0x88, 0x89, 0x97, 0x9f];
const busyConnack = new Set([3, 0x88, 0x89, 0x97, 0x9f]);

describe("connackVerdict()", () => {
  for (const version of versions) {
    it(`follows the contract for every known code in MQTT ${version}`, () => {
      const failures = bytes.filter((code) => code !== 0 && isKnownReason("connack", code, version));
      assert.deepEqual(
        failures,
        [...permanentConnack, ...transientConnack].toSorted((a, b) => a - b),
      );
      for (const code of failures) {
        const { permanent, busy } = connackVerdict(code, version);
        assert.equal(permanent, permanentConnack.includes(code), hex(code));
        assert.equal(busy, busyConnack.has(code), hex(code));
      }
    });
  }

  it("answers a bad password with what to check", () => {
    const hint = "The broker knows no such user name or password; check username and password.";
    const wanted = { name: "Bad User Name or Password", permanent: true, busy: false, hint };
    assert.deepEqual(connackVerdict(0x86, "5"), wanted);
    assert.deepEqual(connackVerdict(4, "3.1.1"), wanted);
  });

  it("names the version that the broker does not speak", () => {
    assert.match(connackVerdict(0x84, "5").hint, /does not speak MQTT 5;/);
    assert.match(connackVerdict(1, "3.1").hint, /does not speak MQTT 3\.1;/);
  });

  it("finds nothing wrong with Success", () => {
    assert.deepEqual(connackVerdict(0, "5"), { name: "Success", permanent: false, busy: false, hint: "" });
  });

  for (const [code, permanent] of [
    [6, true],
    [0x10, true],
    [0x7f, true],
    [0x8b, false],
    [0xff, false],
  ] as const) {
    it(`takes the unknown ${hex(code)} as ${permanent ? "permanent" : "transient"}`, () => {
      const verdict = connackVerdict(code, "5");
      assert.equal(verdict.name, `Unknown reason code ${hex(code)}`);
      assert.equal(verdict.permanent, permanent);
      assert.equal(verdict.busy, false);
      assert.match(verdict.hint, /does not define/);
    });
  }
});

const permanentDisconnect = [0x87, 0x8c, 0x8e, 0x8f, 0x98, 0x9c, 0x9d, 0x9e, 0xa1, 0xa2];

describe("disconnectVerdict()", () => {
  it("is permanent for what the next attempt would repeat or the broker forbids, and for nothing else", () => {
    const permanent = bytes.filter((code) => disconnectVerdict(code).permanent);
    assert.deepEqual(permanent, permanentDisconnect);
  });

  it("names every code as reasonName() does", () => {
    for (const code of bytes) assert.equal(disconnectVerdict(code).name, reasonName("disconnect", code, "5"));
  });

  it("says who may have taken the session over", () => {
    assert.match(disconnectVerdict(0x8e).hint, /same client identifier/);
  });

  for (const code of [0x01, 0x7f, 0x85, 0xff]) {
    it(`takes the unknown ${hex(code)} as transient`, () => {
      const { permanent, hint } = disconnectVerdict(code);
      assert.equal(permanent, false);
      assert.match(hint, /does not define/);
    });
  }
});

describe("the table of failures", () => {
  const groups = [...Object.values(connackFailures), ...Object.values(disconnectFailures)];
  const rows = groups.flatMap((group) => Object.entries(group));

  it("has each code of a packet once, and all that the packet may carry", () => {
    for (const [packet, table] of [
      ["connack", connackFailures],
      ["disconnect", disconnectFailures],
    ] as const) {
      const codes = Object.values(table).flatMap((group) => Object.keys(group).map(Number));
      const wanted = bytes.filter(
        (code) => isKnownReason(packet, code) && !(packet === "connack" && code === 0),
      );
      assert.deepEqual(
        codes.toSorted((a, b) => a - b),
        wanted,
      );
    }
  });

  it("has a clause in every row", () => {
    for (const [code, [clause]] of rows) assert.match(clause, /^(3\.1\.1 )?§\d+(\.\d+)+$/, code);
  });

  it("has one short sentence as hint in every row", () => {
    for (const [code, [, hint]] of rows) {
      assert.match(hint, /^[A-Z].*\.$/, code);
      assert.ok(hint.length <= 100 && !hint.slice(0, -1).includes(". "), `${code}: ${hint}`);
    }
  });
});

describe("protocolLevel() and protocolName()", () => {
  for (const [version, level, name] of [
    ["3.1", 3, "MQIsdp"],
    ["3.1.1", 4, "MQTT"],
    ["5", 5, "MQTT"],
  ] as const) {
    it(`are ${level} and ${name} for MQTT ${version}`, () => {
      assert.equal(protocolLevel(version), level);
      assert.equal(protocolName(version), name);
    });
  }
});
