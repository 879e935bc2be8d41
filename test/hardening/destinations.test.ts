import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { accepts } from "../support/broker-scripts.ts";
import { startDnsServer, type DnsServer } from "../support/dns-server.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publicPolicy } from "../support/policies.ts";
import { after, before, describe } from "../support/test.ts";

/** As with access control. */
const nothingLocal = { overrides: { policy: publicPolicy }, bystander: false };

let dns: DnsServer;
let victim: Server;
let port = 0;
let visits = 0;
before(async () => {
  dns = await startDnsServer({
    "loopback.test": ["127.0.0.1"],
    "loopback6.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "mixed.test": ["192.0.43.8", "127.0.0.1"],
    "private.test": ["10.1.2.3"],
    "metadata.test": ["169.254.169.254"],
    "metadata6.test": ["fd00:ec2::254"],
  });
  // On every address of this machine, so that a connection by any spelling would be seen.
  victim = createServer((socket) => {
    visits += 1;
    socket.destroy();
  }).listen(0, "::");
  await once(victim, "listening");
  const address = victim.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
after(async () => {
  victim.close();
  await dns[Symbol.asyncDispose]();
});
const environment = () => ({ CONNACK_DNS_SERVERS: dns.address });

/** As `host`; a name or an IPv4 spelling is also put into URLs. */
const forbidden = [
  ["127.0.0.1", "localhost", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001"],
  ["0x7f.1", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "0", "0.0.0.0", "１２７.0.0.1", "①②⑦.0.0.1"],
  ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"],
  ["240.0.0.1", "198.18.0.1", "192.0.2.1", "192.0.0.192"],
  ["loopback.test", "LOOPBACK.test", "loopback.test.", "loopback6.test", "mapped.test", "mixed.test"],
  ["private.test", "metadata.test", "metadata6.test", "169.254.169.254", "2852039166", "0xa9fea9fe"],
].flat();

const forbidden6 = [
  ["::1", "[::1]", "0:0:0:0:0:0:0:1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::7f00:1"],
  ["::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::"],
  ["2001:0:7f00:1::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1"],
  ["2001:db8::1", "100::1", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::1%lo"],
  ["fd00:ec2::254%lo", "fe80::1%lo"],
].flat();

async function refuses(rig: Rig, request: object, seen: Set<string>): Promise<void> {
  for (const answer of [await rig.open(request), await rig.call("PUT", "/connections/x", request)]) {
    assertProblem(answer, 403, "destination-forbidden");
    assert.equal(answer.body.stage, "policy");
    assert.equal(answer.body.retryable, false);
    const { instance: _, ...rest } = answer.body;
    seen.add(JSON.stringify(rest));
  }
  const probe = await rig.call("POST", "/probe", request);
  assert.equal(probe.body.ok, false);
  assert.equal(probe.body.problem.code, "destination-forbidden", probe.text);
}

describe("S16: destinations that the policy forbids", () => {
  const everySpelling = async (rig: Rig) => {
    const seen = new Set<string>();
    for (const host of [...forbidden, ...forbidden6]) await refuses(rig, { host, port }, seen);
    for (const host of forbidden) {
      await refuses(rig, { url: `mqtt://${host}:${port}` }, seen);
      await refuses(rig, { url: `ws://${host}:${port}/mqtt` }, seen);
    }
    for (const host of forbidden6.filter((text) => !/[[%]/.test(text)))
      await refuses(rig, { url: `mqtts://[${host}]:${port}` }, seen);
    assert.equal(seen.size, 1, [...seen].join("\n"));
    assert.equal(visits, 0);
  };
  itHolds(
    "S16 every spelling: 403, the same body for all, and the victim sees no connection",
    everySpelling,
    {
      environment,
      ...nothingLocal,
    },
  );

  const ownAddresses = async (rig: Rig) => {
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address } of own) {
      const answer = await rig.open({ host: address, port, connectTimeoutMs: 500 });
      assertProblem(answer, 403, "destination-forbidden");
    }
    assert.equal(visits, 0);
  };
  itHolds("S16 the addresses of this machine: 403", ownAddresses, { environment, ...nothingLocal });

  const inBackground = async (rig: Rig) => {
    assert.equal((await rig.open({ id: "x", host: "loopback.test", port }, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/x/events?lastEventId=earliest");
    const failed = await events.next("failed");
    assert.equal(failed.data.code, "destination-forbidden");
    assert.equal(failed.data.flags.badConnection, true);
    assert.equal(visits, 0);
  };
  itHolds("S16 asynchronously: it fails, and is not tried again", inBackground, {
    environment,
    ...nothingLocal,
  });

  const rebound = async (rig: Rig) => {
    const broker = await rig.broker(accepts());
    let answers = 0;
    // Once allowed, then forbidden: what was checked must be what is dialled, at every attempt.
    dns.table.set("rebind.test", (type) => {
      if (type === "A") answers += 1;
      return answers > 1 ? ["169.254.169.254"] : ["127.0.0.1"];
    });
    const request = { id: "x", url: `mqtt://rebind.test:${broker.port}`, reconnect: { minDelayMs: 10 } };
    assert.equal((await rig.open(request)).status, 201);
    assert.equal(answers, 1);
    await using events = await rig.app.events("/connections/x/events");
    (await broker.connection(1)).reset();
    assert.equal((await events.next("failed")).data.code, "destination-forbidden");
    assert.equal(broker.peers.length, 1);
  };
  itHolds("S16 a name that is rebound: checked again at each attempt", rebound, { environment });
});

describe("S16: cloud metadata", () => {
  const metadata = async (rig: Rig) => {
    for (const host of [
      ...["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"],
      ...["fd00:ec2::254%lo", "fd00:0ec2:0:0:0:0:0:254", "::ffff:169.254.169.254", "metadata.test"],
      ...["metadata6.test", "2852039166", "0xa9fea9fe", "169.254.43518", "64:ff9b::a9fe:a9fe"],
    ]) {
      const answer = await rig.open({ host, port: 80, connectTimeoutMs: 500 });
      assertProblem(answer, 403, "destination-forbidden");
    }
  };
  itHolds("S16 is refused although loopback and private addresses are allowed", metadata, { environment });
});
