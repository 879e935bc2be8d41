import assert from "node:assert/strict";
import { KeepAlive } from "../../src/broker/keep-alive.ts";
import { describe, it } from "../support/test.ts";

const now = () => performance.now();

/** A link that answers as `onPing` does, with the moments of its pings. */
function start(
  keepAlive: number,
  onPing: (link: { lastReceivedAt: number }, count: number) => void = () => {},
) {
  const pings: number[] = [];
  const dead = Promise.withResolvers<number>();
  const link = {
    lastReceivedAt: now(),
    sendPingRequest() {
      pings.push(now());
      onPing(link, pings.length);
    },
  };
  const begun = now();
  const subject = new KeepAlive(keepAlive, link, now, () => dead.resolve(now() - begun));
  return { subject, link, pings, dead: dead.promise, begun };
}

describe("KeepAlive", () => {
  it("asks after 0.85 × keepAlive, and gives a silent broker up after 1.35 ×", async () => {
    const { pings, dead, begun } = start(0.5);
    const ms = await dead;
    assert.equal(pings.length, 1);
    const asked = (pings[0] ?? 0) - begun;
    assert.ok(asked >= 423 && asked < 500, `asked after ${asked} ms`);
    assert.ok(ms >= 673 && ms < 750, `dead after ${ms} ms, which is more than 1.5 × keepAlive`);
  });

  it("goes on as long as anything arrives, PINGRESP or not", async () => {
    const fifth = Promise.withResolvers<void>();
    const { subject, dead } = start(0.05, (link, count) => {
      link.lastReceivedAt = now();
      if (count === 5) fifth.resolve();
    });
    const first = await Promise.race([fifth.promise.then(() => "fifth ping"), dead]);
    assert.equal(first, "fifth ping");
    subject.stop();
  });

  it("gives up when it falls silent later", async () => {
    const { pings, dead } = start(0.05, (link, count) => {
      if (count <= 3) link.lastReceivedAt = now();
    });
    await dead;
    assert.equal(pings.length, 4);
  });

  it("asks nothing with keepAlive 0, except when somebody asks", async () => {
    const off = start(0);
    // Another one goes its whole way meanwhile.
    await start(0.1).dead;
    assert.equal(off.pings.length, 0);
    const ping = off.subject.ping(5_000);
    assert.equal(off.pings.length, 1);
    off.subject.pong();
    assert.ok(Number(await ping) >= 0);
  });

  it("does nothing more when stopped", async () => {
    const stopped = start(0.05);
    stopped.subject.stop();
    await start(0.1).dead;
    assert.equal(stopped.pings.length, 0);
  });
});

describe("KeepAlive.ping()", () => {
  it("asks again when an answer was late, and keeps nobody", async () => {
    const { subject, pings } = start(0);
    assert.equal(await subject.ping(1), "late");
    const second = subject.ping(5_000);
    assert.equal(pings.length, 2);
    subject.pong();
    assert.ok(Number(await second) >= 0);
    subject.stop();
  });

  it("measures a round trip; a second caller joins, and sends none", async () => {
    const { subject, pings } = start(0);
    const both = [subject.ping(5_000), subject.ping(5_000)];
    assert.equal(pings.length, 1);
    subject.pong();
    const [first, second] = await Promise.all(both);
    assert.equal(first, second);
    assert.equal(subject.last?.rttMs, first);
  });

  it("is told null when the network connection ends first", async () => {
    const { subject } = start(0);
    const ping = subject.ping(5_000);
    subject.stop();
    assert.equal(await ping, null);
    assert.equal(subject.last, null);
  });

  it("is not confused by a PINGRESP that nobody asked for", async () => {
    const { subject, pings } = start(0);
    subject.pong();
    assert.equal(subject.last, null);
    const ping = subject.ping(5_000);
    subject.pong();
    assert.notEqual(await ping, null);
    assert.equal(pings.length, 1);
  });

  it("is not put off by a caller who asks while the broker is dead", async () => {
    const { subject, dead } = start(0.1);
    const asking = setInterval(() => void subject.ping(5_000), 5);
    const ms = await dead;
    clearInterval(asking);
    assert.ok(ms < 200, `dead after ${ms} ms`);
  });
});
