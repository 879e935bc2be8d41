import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { type MessageStream, type MessageView, readMessages } from "../support/message-calls.ts";
import { itMeets, payloads } from "../support/message-parties.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { openScripted } from "../support/subscribe-scripts.ts";
import { describe, it } from "../support/test.ts";

const path = "/connections/home/messages";
const formats = ["sse", "ndjson"] as const;
const types = ({ seen }: MessageStream) => seen.map(({ type }) => type);
const only = (items: readonly MessageView[]) => items.filter(({ type }) => type === "message");

/** Sends and waits until they are in the log. */
async function arrive(rig: Rig, peer: ScriptedPeer, ...texts: readonly string[]): Promise<MessageView[]> {
  for (const text of texts) peer.send(message("t", text));
  for (;;) {
    const { body } = await rig.call("GET", `${path}?limit=1000`);
    if (body.items.at(-1)?.payload === texts.at(-1)) return body.items;
    await rig.call("POST", "/connections/home/ping");
  }
}

describe("GET /connections/{id}/messages: which format", () => {
  for (const [accept, query, expected] of [
    [undefined, "", "application/json"],
    ["*/*", "", "application/json"],
    ["application/*", "", "application/json"],
    ["text/event-stream", "", "text/event-stream; charset=utf-8"],
    ["text/*", "", "text/event-stream; charset=utf-8"],
    ["application/x-ndjson", "", "application/x-ndjson"],
    ["application/json;q=0.1, application/x-ndjson", "", "application/x-ndjson"],
    ["application/json", "?format=sse", "text/event-stream; charset=utf-8"],
    ["text/event-stream", "?format=ndjson", "application/x-ndjson"],
    ["image/png", "?format=json", "application/json"],
  ] as const) {
    itHolds(`Accept: ${accept} ${query}: ${expected}`, async (rig) => {
      await openScripted(rig, accepts());
      const headers: Record<string, string> = accept === undefined ? {} : { accept };
      const head = await rig.call("HEAD", `${path}${query}`, undefined, headers);
      const controller = new AbortController();
      const { signal } = controller;
      const response = await fetch(`${rig.app.url}${path}${query}`, { headers, signal });
      controller.abort();
      await response.body?.cancel().catch(() => {});
      assert.deepEqual([response.status, head.status], [200, 200]);
      for (const { headers: told } of [response, head]) assert.equal(told.get("content-type"), expected);
    });
  }

  itHolds("none of the three: 406, for HEAD too", async (rig) => {
    await openScripted(rig, accepts());
    const headers = { accept: "text/html, application/json;q=0" };
    assertProblem(await rig.call("GET", path, undefined, headers), 406, "not-acceptable");
    assert.equal((await rig.call("HEAD", path, undefined, headers)).status, 406);
  });
});

for (const format of formats) {
  describe(`GET /connections/{id}/messages as ${format}`, () => {
    itHolds("opens at once, and goes on with what arrives", async (rig) => {
      const { peer } = await openScripted(rig, accepts());
      await arrive(rig, peer, "before");
      await using stream = await readMessages(rig.app, format);
      peer.send(message("t", "live"));
      const [live] = await stream.until(1);
      assert.equal(live.payload, "live");
      const { body } = await rig.call("GET", path);
      const { type: _type, eventId, ...told } = live;
      assert.deepEqual(told, body.items[1]);
      assert.equal(eventId, format === "sse" ? body.items[1].id : undefined);
      assert.deepEqual(types(stream), format === "sse" ? ["message"] : ["open", "message"]);
    });

    itHolds(
      "resumes after any id without gap or repeat, by Last-Event-ID, ?lastEventId and ?after",
      async (rig) => {
        const { peer } = await openScripted(rig, accepts());
        const items = await arrive(rig, peer, "1", "2", "3", "4");
        for (const [index, { id }] of items.entries()) {
          const expected = [...payloads(items.slice(index + 1)), "live"];
          for (const [query, headers] of [
            ["", { "last-event-id": id }],
            [`?lastEventId=${id}`, { "last-event-id": "nonsense" }],
            [`?after=${id}`, {}],
          ] as const) {
            await using stream = await readMessages(
              rig.app,
              format,
              query,
              headers as Record<string, string>,
            );
            peer.send(message("t", "live"));
            const seen = await stream.until(expected.length);
            assert.deepEqual(payloads(seen.slice(0, items.length - index - 1)), expected.slice(0, -1));
            assert.ok(!types(stream).includes("gap"));
            const ids = seen.map((each) => each.id);
            assert.equal(new Set(ids).size, ids.length);
          }
        }
      },
    );

    itHolds("earliest replays all; an id that it cannot have is a gap, and then all", async (rig) => {
      const { peer } = await openScripted(rig, accepts());
      const items = await arrive(rig, peer, "1", "2");
      await using all = await readMessages(rig.app, format, "?lastEventId=earliest");
      assert.deepEqual(payloads(await all.until(2)), ["1", "2"]);
      await using broken = await readMessages(rig.app, format, "", { "last-event-id": "0123456789ab-7" });
      await broken.until(2);
      const gap = broken.seen.find(({ type }) => type !== "open");
      const { type, requested, oldest, reason } = gap;
      assert.deepEqual(
        { type, requested, oldest, reason },
        { type: "gap", requested: "0123456789ab-7", oldest: items[0].id, reason: "restarted" },
      );
    });

    itHolds("?topic shows what fits, of the past and of what comes", async (rig) => {
      const { peer } = await openScripted(rig, accepts());
      peer.send(message("a/1", "past"));
      await arrive(rig, peer, "unwanted");
      await using stream = await readMessages(rig.app, format, "?topic=a/%2B&after=earliest");
      peer.send(message("t", "unwanted"));
      peer.send(message("a/2", "live"));
      peer.send(message("a/2/3", "unwanted"));
      peer.send(message("a/3", "last"));
      assert.deepEqual(payloads(await stream.until(3)), ["past", "live", "last"]);
    });

    itHolds(
      "says that it is alive when nothing comes",
      async (rig) => {
        await openScripted(rig, accepts());
        if (format === "ndjson") {
          await using stream = await readMessages(rig.app, format);
          const [alive] = await stream.until(2, "keepalive");
          assert.deepEqual(types(stream).slice(0, 2), ["open", "keepalive"]);
          assert.ok(Math.abs(Date.parse(alive.at) - Date.now()) < 60_000);
          return;
        }
        await using stream = await rig.app.events(`${path}?format=sse&topic=a`);
        const comments = async (count: number) => {
          while (stream.comments() < count) await rig.app.call("GET", "/healthz");
        };
        await comments(3);
      },
      { environment: () => ({ CONNACK_HEARTBEAT_MS: "100" }) },
    );

    itHolds("survives a reconnect, and goes on with the same ids", async (rig) => {
      const { peer, broker } = await openScripted(rig, inTurn(accepts(), accepts()));
      await using stream = await readMessages(rig.app, format);
      peer.send(message("t", "1"));
      await stream.until(1);
      peer.reset();
      const second = await broker.connection(2);
      while ((await rig.call("POST", "/connections/home/ping")).status !== 200);
      second.send(message("t", "2"));
      const [one, two] = await stream.until(2);
      assert.equal(one.id.replace(/-1$/, "-2"), two.id);
    });

    itHolds("after DELETE what came before is delivered, and the stream ends", async (rig) => {
      const { peer } = await openScripted(rig, accepts());
      const stream = await readMessages(rig.app, format);
      const texts = Array.from({ length: 50 }, (_, n) => `${n}`);
      await arrive(rig, peer, ...texts);
      assert.equal((await rig.call("DELETE", "/connections/home")).status, 200);
      await stream.ended;
      assert.deepEqual(payloads(only(stream.seen)), texts);
    });
  });

  it(`at server stop a stream as ${format} has what came before, says shutdown, and ends`, async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    assert.equal((await app.open({ id: "home", url: broker.url })).status, 201);
    const stream = await readMessages(app, format);
    broker.peers[0]?.send(message("t", "last"));
    await stream.until(1);
    await app.app.close();
    await stream.ended;
    assert.deepEqual(payloads(only(stream.seen)), ["last"]);
    assert.equal(stream.seen.at(-1)?.type, "shutdown");
    // Not 404: it is there again when the server, or another node, is.
    assert.equal((await app.call("GET", `${path}?format=${format}`)).status, 503);
  });
}

describe("a stream of messages through the restart of a broker", () => {
  itMeets(
    "goes on with what is published when the connection is up again",
    async (parties) => {
      await using events = await parties.app.events("/connections/home/events");
      await using stream = await readMessages(parties.app, "sse");
      await parties.say("a", "before");
      await stream.until(1);
      await parties.mosquitto.stop("SIGKILL");
      await events.next("disconnected");
      await parties.mosquitto.start();
      await events.next("subscribed");
      const body = { topic: "a", payload: "after", qos: 1 };
      assert.equal((await parties.call("POST", "/connections/home/publish", body)).status, 200);
      assert.deepEqual(payloads(await stream.until(2)), ["before", "after"]);
    },
    {
      request: {
        subscriptions: [{ topicFilter: "a", qos: 1 }],
        reconnect: { minDelayMs: 20, maxDelayMs: 100 },
      },
    },
  );
});
