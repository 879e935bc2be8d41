import assert from "node:assert/strict";
import { startDnsServer, type DnsServer } from "../support/dns-server.ts";
import { freePort } from "../support/free-port.ts";
import {
  dropsConnect,
  endsAtOnce,
  httpBanner,
  resetsAtOnce,
  silent,
  sshBanner,
} from "../support/hostile-scripts.ts";
import { makeCertificates } from "../support/certificates.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed, type Rig } from "../support/invariants.ts";
import { needs } from "../support/needs.ts";
import { after, before, describe } from "../support/test.ts";

describe("S01–S04: the network", () => {
  itHolds(
    "S01 TCP accepted, CONNACK never sent: 504 connack-timeout within the deadline + 1 s",
    async (rig) => {
      const broker = await rig.broker(silent());
      const [answer, ms] = await timed(rig.open({ url: broker.url, connectTimeoutMs: 700 }));
      assertProblem(answer, 504, "connack-timeout");
      assert.equal(answer.body.stage, "connack");
      assert.equal(answer.body.retryable, true);
      assert.ok(answer.body.hint.length > 0);
      assert.ok(ms >= 690 && ms < 1_700, `${ms} ms`);
      await broker.idle();
    },
  );

  itHolds("S01 the caller's wait is a deadline too", async (rig) => {
    const broker = await rig.broker(silent());
    const [answer, ms] = await timed(rig.open({ url: broker.url }, "?wait=0.5"));
    assertProblem(answer, 504, "connack-timeout");
    assert.ok(ms >= 490 && ms < 1_500, `${ms} ms`);
  });

  itHolds("S02 port closed: 502 connection-refused, under 1 s", async (rig) => {
    const [answer, ms] = await timed(rig.open({ url: `mqtt://127.0.0.1:${await freePort()}` }));
    assertProblem(answer, 502, "connection-refused");
    assert.equal(answer.body.stage, "tcp");
    assert.equal(answer.body.retryable, true);
    assert.ok(ms < 1_000, `${ms} ms`);
  });

  itHolds("S02 asynchronously: the connection is kept and waits", async (rig) => {
    const request = { id: "away", url: `mqtt://127.0.0.1:${await freePort()}` };
    assert.equal((await rig.open(request, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/away/events?lastEventId=earliest");
    assert.equal((await events.next("error")).data.code, "connection-refused");
    const { data } = await events.next("waiting");
    assert.equal(data.state, "waiting");
    const view = await rig.call("GET", "/connections/away");
    assert.equal(view.body.flags.badConnection, false);
    assert.equal(view.body.lastError.code, "connection-refused");
    assert.equal(view.body.attempts.nextAt, data.nextAt);
  });

  for (const [how, script, codes] of [
    ["FIN right after accept", endsAtOnce(), ["broker-closed"]],
    ["RST right after accept", resetsAtOnce(), ["connection-reset", "broker-closed"]],
    ["FIN after CONNECT", dropsConnect("end"), ["broker-closed"]],
    ["RST after CONNECT", dropsConnect("reset"), ["connection-reset"]],
  ] as const) {
    itHolds(`S03 ${how}: 502 ${codes.join(" or ")}, under 1 s`, async (rig) => {
      const broker = await rig.broker(script);
      const [answer, ms] = await timed(rig.open({ url: broker.url }));
      assert.ok(
        codes.some((code) => code === answer.body.code),
        answer.text,
      );
      assertProblem(answer, 502, answer.body.code);
      assert.equal(answer.body.retryable, true);
      assert.ok(ms < 1_000, `${ms} ms`);
    });
  }

  let dns: DnsServer;
  before(async () => {
    dns = await startDnsServer();
  });
  after(async () => dns[Symbol.asyncDispose]());
  const environment = () => ({ CONNACK_DNS_SERVERS: dns.address });

  const nowhere = async (rig: Rig) => {
    dns.mode = "answer";
    const answer = await rig.open({ url: "mqtt://nowhere.test" });
    assertProblem(answer, 502, "dns-error");
    assert.equal(answer.body.stage, "dns");
    assert.equal(answer.body.retryable, false);
    assert.ok(dns.queries.includes("A nowhere.test"));
    assert.equal((await rig.open({ id: "x", url: "mqtt://nowhere.test" }, "?wait=0")).status, 202);
    await using events = await rig.app.events("/connections/x/events?lastEventId=earliest");
    await events.next("waiting");
  };
  itHolds("S04 NXDOMAIN: 502 dns-error, retried only in the background", nowhere, { environment });

  const slow = async (rig: Rig) => {
    dns.mode = "silent";
    const [answer, ms] = await timed(rig.open({ url: "mqtt://slow.test", connectTimeoutMs: 600 }));
    assertProblem(answer, 504, "connect-timeout");
    assert.equal(answer.body.stage, "dns");
    assert.ok(ms < 1_600, `${ms} ms`);
  };
  itHolds("S04 DNS server silent: 504 connect-timeout with stage dns", slow, { environment });
});

describe("S12: peers of another protocol", () => {
  for (const [name, scheme, script, code] of [
    ["TLS to a plaintext port", "mqtts", accepts(), "connection-reset"],
    ["TLS to a peer that speaks HTTP", "mqtts", httpBanner(), "tls-error"],
    ["TLS to a peer that speaks SSH", "mqtts", sshBanner(), "tls-error"],
    ["HTTP as the answer", "mqtt", httpBanner(), "broker-protocol-error"],
    ["an SSH banner as the answer", "mqtt", sshBanner(), "broker-protocol-error"],
    ["HTTP as the answer to a WebSocket upgrade", "ws", httpBanner(), "websocket-refused"],
    ["an SSH banner as the answer to a WebSocket upgrade", "ws", sshBanner(), "websocket-refused"],
    ["MQTT to a WebSocket upgrade", "ws", accepts(), "broker-closed"],
  ] as const) {
    itHolds(`S12 ${name}: 502 ${code}, and the peer's bytes are not echoed`, async (rig) => {
      const broker = await rig.broker(script);
      const [answer, ms] = await timed(rig.open({ url: `${scheme}://127.0.0.1:${broker.port}` }, "?wait=3"));
      assertProblem(answer, 502, code);
      assert.ok(!/BAD-HTTP-PEER|OpenSSH|text\/plain/.test(answer.text), answer.text);
      assert.ok(ms < 1_500, `${ms} ms`);
    });
  }

  itHolds(
    "S12 plaintext to a TLS port: 502",
    async (rig) => {
      const { server } = await makeCertificates();
      const broker = await rig.broker(accepts(), { tls: server });
      const [answer, ms] = await timed(rig.open({ url: `mqtt://127.0.0.1:${broker.port}` }));
      assert.ok(
        ["broker-protocol-error", "broker-closed", "connection-reset"].includes(answer.body.code),
        answer.text,
      );
      assertProblem(answer, 502, answer.body.code);
      assert.ok(ms < 1_500, `${ms} ms`);
    },
    { skip: needs("openssl") },
  );
});

describe("S23: the HTTP caller hangs up while waiting", () => {
  itHolds("S23 POST: the attempt is cancelled, and nothing is left", async (rig) => {
    const broker = await rig.broker(silent());
    await using events = await rig.app.events("/events");
    const hangUp = new AbortController();
    const request = { id: "left", url: broker.url };
    const left = rig.app.call("POST", "/connections", request, {}, hangUp.signal).catch(() => "hung up");
    const peer = await broker.connection(1);
    hangUp.abort();
    assert.equal(await left, "hung up");
    await peer.closed;
    assert.equal((await events.next("closed")).data.cause, "caller-left");
    assert.equal((await rig.call("GET", "/connections/left")).status, 404);
    assert.equal(broker.peers.length, 1);
  });

  itHolds("S23 POST /probe: the attempt is cancelled", async (rig) => {
    const broker = await rig.broker(silent());
    const hangUp = new AbortController();
    const left = rig.app
      .call("POST", "/probe", { url: broker.url }, {}, hangUp.signal)
      .catch(() => "hung up");
    const peer = await broker.connection(1);
    hangUp.abort();
    assert.equal(await left, "hung up");
    await peer.closed;
  });
});
