import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { readMessages, subscribe, subscribedFilters } from "../support/message-calls.ts";
import { message, opens } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/messages";

async function open(rig: Rig, ...scripts: [Script, ...Script[]]) {
  const broker = await rig.broker(inTurn(...scripts));
  const reconnect = { minDelayMs: 10, maxDelayMs: 20 };
  const opened = await rig.open({ id: "home", url: broker.url, reconnect });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

/** SUBSCRIBE and UNSUBSCRIBE as the broker saw them. */
function asked(peer: ScriptedPeer): string[] {
  return peer.received.flatMap((packet) => {
    if (packet.cmd === "subscribe") return packet.subscriptions.map(({ topic, qos }) => `+${topic} ${qos}`);
    return packet.cmd === "unsubscribe" ? packet.unsubscriptions.map((topic) => `-${topic}`) : [];
  });
}

/** What the broker is asked for by itself is asked for by then. */
async function askedUntil(rig: Rig, peer: ScriptedPeer, count: number): Promise<string[]> {
  while (asked(peer).length < count) await rig.call("POST", "/connections/home/ping");
  return asked(peer);
}

describe("?subscribe=, for the length of a call", () => {
  for (const format of ["sse", "ndjson"] as const) {
    itHolds(
      `a stream of ${format} is subscribed until its reader hangs up, and sees only that`,
      async (rig) => {
        const broker = await open(rig, accepts());
        const peer = await broker.connection(1);
        {
          await using stream = await readMessages(rig.app, format, "?subscribe=a/%2B&qos=1");
          assert.deepEqual(asked(peer), ["+a/+ 1"]);
          assert.deepEqual(await subscribedFilters(rig), []);
          for (const topic of ["a/1", "b/1", "a/2"]) peer.send(message(topic, "x"));
          const seen = await stream.until(2);
          assert.deepEqual(
            seen.map(({ topic }) => topic),
            ["a/1", "a/2"],
          );
        }
        assert.deepEqual(await askedUntil(rig, peer, 2), ["+a/+ 1", "-a/+"]);
      },
    );
  }

  itHolds(
    "a long poll is, until it is answered, and misses nothing that the broker sends at once",
    async (rig) => {
      const retains: Script = async (peer) => {
        await accepts()(peer);
        peer.answer("subscribe", ({ messageId = 0 }) => {
          peer.send({ cmd: "suback", messageId, granted: [0] });
          peer.send(message("a", "retained", { retain: true }));
        });
      };
      const broker = await open(rig, retains);
      const { status, body, text } = await rig.call("GET", `${path}?subscribe=a&wait=10`);
      assert.equal(status, 200, text);
      assert.deepEqual(
        body.items.map(({ payload, retain }: { payload: string; retain: boolean }) => [payload, retain]),
        [["retained", true]],
      );
      assert.deepEqual(await askedUntil(rig, await broker.connection(1), 2), ["+a 0", "-a"]);
    },
  );

  itHolds("two readers share it, and the last to leave ends it", async (rig) => {
    const broker = await open(rig, accepts());
    const peer = await broker.connection(1);
    {
      await using first = await readMessages(rig.app, "sse", "?subscribe=a");
      {
        await using second = await readMessages(rig.app, "ndjson", "?subscribe=a");
        peer.send(message("a", "1"));
        await Promise.all([first.until(1), second.until(1)]);
      }
      await rig.call("POST", "/connections/home/ping");
      peer.send(message("a", "2"));
      await first.until(2);
      assert.deepEqual(asked(peer), ["+a 0"]);
    }
    assert.deepEqual(await askedUntil(rig, peer, 2), ["+a 0", "-a"]);
  });

  itHolds("one that is kept stays when a reader of it leaves", async (rig) => {
    const broker = await open(rig, accepts());
    const peer = await broker.connection(1);
    await subscribe(rig, "a", { qos: 1 });
    {
      await using stream = await readMessages(rig.app, "sse", "?subscribe=a");
      peer.send(message("a", "1"));
      await stream.until(1);
    }
    peer.send(message("a", "2"));
    const { body } = await rig.call("GET", `${path}?wait=5`);
    assert.equal(body.items.length >= 1, true);
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    assert.deepEqual(asked(peer), ["+a 1"]);
    assert.deepEqual(await subscribedFilters(rig), ["a"]);
  });

  itHolds("it comes back after a reconnect, as long as its reader is there", async (rig) => {
    const broker = await open(rig, accepts());
    await using stream = await readMessages(rig.app, "sse", "?subscribe=a");
    (await broker.connection(1)).reset();
    const peer = await broker.connection(2);
    assert.deepEqual(await askedUntil(rig, peer, 1), ["+a 0"]);
    peer.send(message("a", "back"));
    assert.equal((await stream.until(1))[0].payload, "back");
  });

  itHolds("one whose reader left while the broker was away is not made again", async (rig) => {
    const broker = await open(rig, accepts(), opens({}));
    await using events = await rig.app.events("/connections/home/events?types=connected,disconnected");
    {
      await using _ = await readMessages(rig.app, "sse", "?subscribe=a");
      (await broker.connection(1)).reset();
      await events.next("disconnected");
    }
    await events.next("connected");
    await rig.call("POST", "/connections/home/ping");
    const peer = await broker.connection(2);
    // Its leaving may come a moment after the reconnect, and is undone then.
    while (asked(peer).length === 1) await rig.call("POST", "/connections/home/ping");
    assert.ok(["", "+a 0,-a"].includes(asked(peer).join()), asked(peer).join());
  });

  for (const accept of ["application/json", "text/event-stream", "application/x-ndjson"]) {
    itHolds(`a refusal is the answer, before a stream begins (${accept})`, async (rig) => {
      const broker = await open(rig, accepts({}, { granted: () => 0x87 }));
      const answer = await rig.call("GET", `${path}?subscribe=a`, undefined, { accept });
      assertProblem(answer, 403, "broker-not-authorized");
      assert.equal(answer.body.mqtt.packet, "suback");
      await rig.call("POST", "/connections/home/ping");
      assert.deepEqual(asked(await broker.connection(1)), ["+a 0"]);
    });
  }

  itHolds("without a connection it is 503 or 409, and qos without subscribe is 422", async (rig) => {
    const broker = await open(rig, accepts());
    assertProblem(await rig.call("GET", `${path}?qos=1`), 422, "invalid-request");
    (await broker.connection(1)).send({ cmd: "disconnect", reasonCode: 0x98 });
    await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
    await events.next("failed");
    assertProblem(await rig.call("GET", `${path}?subscribe=a`), 409, "not-connected");
  });
});
