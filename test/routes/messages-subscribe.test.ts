import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { readMessages, subscribe, subscribedFilters } from "../support/message-calls.ts";
import { itMeets, payloads } from "../support/message-parties.ts";
import { message } from "../support/publish-scripts.ts";
import { grant, leavesSubscribing, openScripted, releaseNext, seenBy } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/messages";

describe("GET /connections/{id}/messages?subscribe=", () => {
  itMeets("reads a topic by one call: the retained message, without what came before", async (parties) => {
    await subscribe(parties, "a/#", { qos: 1 });
    await parties.say("a/old", "old");
    await parties.say("s/1", "21.5", { retain: true });
    const [answer, ms] = await timed(parties.call("GET", `${path}?subscribe=s/%2B&wait=20&qos=1`));
    assert.equal(answer.status, 200, answer.text);
    const [item, ...others] = answer.body.items;
    assert.deepEqual([item.topic, item.payload, item.retain, item.qos, others], ["s/1", "21.5", true, 1, []]);
    assert.ok(ms < 2_000, `${ms} ms`);
    assert.deepEqual(await subscribedFilters(parties), ["a/#"]);
  });

  for (const format of ["sse", "ndjson"] as const) {
    itMeets(
      `as ${format}: the retained message, then what is published, of that filter alone`,
      async (parties) => {
        await subscribe(parties, "b", { qos: 1 });
        await parties.say("s/1", "kept", { retain: true });
        const stream = await readMessages(parties.app, format, "?subscribe=s/%23&qos=2");
        await stream.until(1);
        await parties.say("b", "not asked for");
        await parties.say("s/2", "live", { qos: 2 });
        const seen = await stream.until(2);
        assert.deepEqual(
          seen.map(({ topic, payload, retain, qos }) => [topic, payload, retain, qos]),
          [
            ["s/1", "kept", true, 1],
            ["s/2", "live", false, 2],
          ],
        );
        await stream[Symbol.asyncDispose]();
        await parties.mosquitto.logged(/Received UNSUBSCRIBE/);
      },
    );
  }

  itMeets("with ?topic= only what fits both filters comes", async (parties) => {
    await subscribe(parties, "b/1", { qos: 1 });
    const stream = await readMessages(parties.app, "ndjson", "?subscribe=s/%23&qos=1&topic=%2B/1");
    await parties.say("s/2", "another level");
    await parties.say("b/1", "another subscription");
    await parties.say("s/1", "both");
    assert.deepEqual(
      (await stream.until(1)).map(({ payload }) => payload),
      ["both"],
    );
    await stream[Symbol.asyncDispose]();
  });

  itMeets("a cursor with it reads on where another call ended", async (parties) => {
    const first = await parties.call("GET", `${path}?subscribe=a`);
    await subscribe(parties, "a", { qos: 1 });
    await parties.say("a", "1");
    const second = await parties.call("GET", `${path}?subscribe=a&wait=20&after=${first.body.next}`);
    assert.deepEqual(payloads(second.body.items), ["1"]);
  });

  itMeets("of a shared subscription too", async (parties) => {
    const poll = readMessages(parties.app, "ndjson", "?subscribe=%24share/g/work/%23&qos=1");
    await using stream = await poll;
    await parties.say("work/1", "x");
    assert.equal((await stream.until(1))[0].topic, "work/1");
  });

  for (const [version, protocolVersion] of [
    ["5", "5"],
    ["3.1.1", "3.1.1"],
  ] as const) {
    itHolds(`refused by the broker: a problem before any stream begins (${version})`, async (rig) => {
      const code = protocolVersion === "5" ? 0x87 : 0x80;
      await openScripted(rig, accepts({}, { granted: () => code }), { protocolVersion });
      await using events = await rig.app.events("/connections/home/events");
      await events.next("snapshot");
      for (const format of ["json", "sse", "ndjson"]) {
        const answer = await rig.call("GET", `${path}?subscribe=a&format=${format}`);
        if (code === 0x87) assertProblem(answer, 403, "broker-not-authorized");
        else assertProblem(answer, 502, "broker-rejected");
        assert.equal(answer.body.mqtt.packet, "suback");
      }
      assert.equal((await rig.call("GET", "/readyz")).body.streams, 1);
      // No event tells of what a call reads by.
      await rig.call("DELETE", "/connections/home");
      assert.equal((await events.next()).type, "closing");
    });
  }

  itHolds("with the connection away: 503, or 409 when it has failed", async (rig) => {
    const reconnect = { minDelayMs: 60_000, maxDelayMs: 60_000 };
    const { peer } = await openScripted(rig, accepts(), { reconnect });
    await using events = await rig.app.events("/connections/home/events");
    peer.reset();
    await events.next("waiting");
    for (const format of ["json", "sse"]) {
      const answer = await rig.call("GET", `${path}?subscribe=a&format=${format}`);
      assertProblem(answer, 503, "temporarily-not-connected");
      assert.notEqual(answer.headers.get("retry-after"), null);
    }
    // What is there can be read all the same.
    assert.equal((await rig.call("GET", path)).status, 200);
  });

  itHolds("HEAD subscribes to nothing, and does not wait", async (rig) => {
    const { peer } = await openScripted(rig, accepts());
    for (const query of ["subscribe=a&wait=20", "subscribe=a&format=sse", "wait=20"]) {
      const [head, ms] = await timed(rig.call("HEAD", `${path}?${query}`));
      assert.equal(head.status, 200);
      assert.ok(ms < 1_000, `${query}: ${ms} ms`);
    }
    assert.deepEqual(await seenBy(rig, peer), []);
    assert.equal((await rig.call("GET", "/readyz")).body.streams, 0);
  });

  itHolds("what the broker sends together with SUBACK, or before, is in the answer", async (rig) => {
    const { peer } = await openScripted(rig);
    const call = rig.call("GET", `${path}?subscribe=a&wait=20`);
    const packet = await peer.next("subscribe");
    peer.send(message("a", "before", { retain: true }));
    grant(peer, packet);
    peer.send(message("a", "after", { retain: true }));
    const { items, next } = (await call).body;
    assert.deepEqual(payloads(items)[0], "before");
    const rest =
      items.length === 2 ? [] : (await rig.call("GET", `${path}?wait=20&after=${next}`)).body.items;
    assert.deepEqual(payloads([...items, ...rest]), ["before", "after"]);
    assert.deepEqual(await releaseNext(peer), ["a"]);
  });

  for (const format of ["json", "sse", "ndjson"] as const) {
    itHolds(`more at SUBACK than the log keeps is a gap at the beginning of ${format}`, async (rig) => {
      const { peer } = await openScripted(rig, leavesSubscribing(), { log: { messages: 5 } });
      const query = `?subscribe=a/%23${format === "json" ? "&wait=20" : ""}`;
      const page = format === "json" ? rig.call("GET", `${path}${query}`) : null;
      const stream = format === "json" ? null : readMessages(rig.app, format, query);
      const packet = await peer.next("subscribe");
      for (let n = 0; n < 2_000; n += 1) peer.send(message(`a/${n}`, `${n}`, { retain: true }));
      grant(peer, packet);
      if (page !== null) {
        const { items, gap } = (await page).body;
        assert.deepEqual(payloads(items), ["1995", "1996", "1997", "1998", "1999"]);
        assert.equal(gap.reason, "expired");
      }
      if (stream !== null) {
        await using open = await stream;
        await open.until(5);
        const told = open.seen.filter(({ type }) => type !== "open");
        assert.deepEqual([told[0].type, told[0].reason], ["gap", "expired"]);
        assert.deepEqual(payloads(told.slice(1)), ["1995", "1996", "1997", "1998", "1999"]);
      }
      assert.equal((await rig.call("DELETE", "/connections/home?force=true")).status, 200);
    });
  }
});
