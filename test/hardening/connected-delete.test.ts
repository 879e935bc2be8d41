import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient, nextMessage } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { startProxy } from "../support/proxy.ts";
import { describe } from "../support/test.ts";

const mosquitto = { skip: needs("mosquitto") };
const will = { topic: "will", payload: "gone", qos: 1 };

/** Deletes `home`: the answer is its last view, the stream tells `closed` and ends, and a second DELETE is a 404. */
async function remove(rig: Rig, query = "", within = 1_000): Promise<Answer> {
  await using events = await rig.app.events("/connections/home/events");
  const [answer, ms] = await timed(rig.call("DELETE", `/connections/home${query}`));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.state, "closed");
  assert.ok(ms < within, `DELETE took ${ms} ms`);
  await events.ended;
  const last = events.seen.at(-1);
  assert.deepEqual([last?.type, last?.data.state, last?.data.cause], ["closed", "closed", "deleted"]);
  assertProblem(await rig.call("DELETE", "/connections/home"), 404, "not-found");
  return answer;
}

/** Deletes a connection that has a will, with somebody listening for it; a message "end" follows in any case. */
async function lastWords(rig: Rig, query: string): Promise<string> {
  await using broker = await startMosquitto();
  await using listener = await connectClient(broker.url, { protocolVersion: 5 });
  await listener.subscribeAsync("will", { qos: 1 });
  const message = nextMessage(listener);
  await rig.open({ id: "home", url: broker.url, clientId: "c43", will });
  await remove(rig, query);
  await broker.logged(/Client c43 (disconnected|closed its connection)|[Ss]ocket error on client c43/);
  await listener.publishAsync("will", "end", { qos: 1 });
  return String((await message).payload);
}

describe("S43: DELETE", () => {
  itHolds(
    "S43: while connected: the broker sees DISCONNECT and publishes no will",
    async (rig) => assert.equal(await lastWords(rig, ""), "end"),
    mosquitto,
  );
  itHolds(
    "S43: with reasonCode=4: the broker publishes the will",
    async (rig) => assert.equal(await lastWords(rig, "?reasonCode=4"), "gone"),
    mosquitto,
  );
  itHolds(
    "S43: with force: no DISCONNECT, and the broker publishes the will",
    async (rig) => assert.equal(await lastWords(rig, "?force=true"), "gone"),
    mosquitto,
  );

  itHolds("S43: while connecting: the attempt is cancelled, and the broker's side is closed", async (rig) => {
    const broker = await rig.broker(silent());
    assert.equal((await rig.open({ id: "home", url: broker.url }, "?wait=0")).status, 202);
    const peer = await broker.connection(1);
    await remove(rig);
    await peer.closed;
  });

  itHolds("S43: while a POST waits for it: the POST is told, and the id is free", async (rig) => {
    const broker = await rig.broker(silent());
    const post = rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    await remove(rig);
    const answer = await post;
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
    assert.equal(answer.body.code, "connection-closed");
    await peer.closed;
  });

  itHolds("S43: while waiting: no further attempt is made", async (rig) => {
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    await rig.open({ id: "home", url, reconnect: { minDelayMs: 60_000 } }, "?wait=0");
    await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
    await events.next("waiting");
    await remove(rig);
  });

  itHolds("S43: while failed", async (rig) => {
    const broker = await rig.broker(refuses(0x86));
    await rig.open({ id: "home", url: broker.url }, "?wait=0");
    await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
    await events.next("failed");
    await remove(rig);
    assert.equal(broker.peers.length, 1);
  });

  itHolds(
    "S43: while the network is gone: bounded by drainMs and a margin",
    async (rig) => {
      await using broker = await startMosquitto();
      await using proxy = await startProxy(broker.port);
      await rig.open({ id: "home", url: `mqtt://127.0.0.1:${proxy.port}` });
      proxy.freeze();
      await remove(rig, "?drainMs=200", 1_700);
    },
    mosquitto,
  );

  itHolds("S43: calls that wait on it are answered", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("pingreq", () => {});
    });
    const { body: view } = await rig.open({ id: "home", url: broker.url });
    const get = rig.call("GET", `/connections/home?wait=30&since=${view.version}`);
    const ping = rig.call("POST", "/connections/home/ping?wait=30");
    const peer = await broker.connection(1);
    // Both calls are at the server: the ping has reached the broker, and came after the GET.
    while (!peer.received.some(({ cmd }) => cmd === "pingreq")) await rig.app.call("GET", "/healthz");
    const [, ms] = await timed(Promise.all([remove(rig), get, ping]));
    assert.ok(ms < 2_000, `the last answer came after ${ms} ms`);
    assertProblem(await ping, 502, "connection-lost");
    // It hears of `closing`, or comes a moment later and hears that there is none.
    assert.ok([200, 404, 409, 410].includes((await get).status), (await get).text);
  });

  itHolds("S43: twice at once: both end, and the broker sees one DISCONNECT", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const answers = await Promise.all([
      rig.call("DELETE", "/connections/home"),
      rig.call("DELETE", "/connections/home"),
    ]);
    for (const { status, text } of answers) assert.ok(status === 200 || status === 404, text);
    assert.ok(answers.some(({ status }) => status === 200));
    await peer.closed;
    assert.equal(peer.received.filter(({ cmd }) => cmd === "disconnect").length, 1);
  });

  itHolds("S43: a reconnect that is called while it closes is not told of an old failure", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      if (peer.number === 1) peer.send({ cmd: "disconnect", reasonCode: 0x8b });
      // It never closes its side, so that closing takes a moment.
      else peer.answer("disconnect", () => {});
    });
    await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 10, maxDelayMs: 10 } });
    await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
    await events.next("waiting");
    await events.next("connected");
    const deleted = rig.call("DELETE", "/connections/home");
    await events.next("closing");
    const reconnect = await rig.call("POST", "/connections/home/reconnect");
    assert.equal((await deleted).status, 200);
    // Where the closing is over before the call comes, there is no connection.
    assert.ok(["connection-closed", "not-found"].includes(reconnect.body.code), reconnect.text);
  });
});
