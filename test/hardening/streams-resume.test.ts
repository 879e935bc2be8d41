import assert from "node:assert/strict";
import { freePort } from "../support/free-port.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { readAndCut } from "../support/raw-stream.ts";
import { describe } from "../support/test.ts";

const cuts = 100;

/** A connection that makes some hundred events a second. */
async function openBusy(rig: Rig, id: string): Promise<void> {
  const url = `mqtt://127.0.0.1:${await freePort()}`;
  const { status, text } = await rig.open(
    { id, url, reconnect: { minDelayMs: 10, maxDelayMs: 10 } },
    "?wait=0",
  );
  assert.equal(status, 202, text);
}

async function history(rig: Rig, path: string): Promise<string[]> {
  const { body } = await rig.call("GET", `${path}?format=json&limit=1000&after=earliest`);
  return body.items.map(({ id }: { id: string }) => id);
}

describe("S50: resuming by Last-Event-ID", () => {
  for (const path of ["/connections/home/events", "/events"]) {
    itHolds(`S50: ${path}: at ${cuts} random cuts, the continuation is exact`, async (rig) => {
      await openBusy(rig, "home");
      await openBusy(rig, "other");
      const seen: string[] = [];
      let last = "earliest";
      for (let cut = 0; cut < cuts; cut += 1) {
        // Opening and snapshot take some 1,500 bytes, an event some 600.
        const { ids, types } = await readAndCut(`${rig.app.url}${path}`, last, 500 + Math.random() * 4_000);
        assert.ok(!types.includes("gap"), types.join());
        seen.push(...ids);
        last = ids.at(-1) ?? last;
      }
      const all = await history(rig, path);
      process.stdout.write(`S50: ${seen.length} events over ${cuts} cuts at ${path}\n`);
      assert.ok(seen.length > cuts, `only ${seen.length} events`);
      assert.deepEqual(seen, all.slice(0, seen.length));
    });
  }
});

describe("S51: what cannot be resumed", () => {
  const small = () => ({ CONNACK_MAX_EVENTS: "16" });
  const expectGap = async (
    rig: Rig,
    path: string,
    requested: string,
    reason: string,
    oldest: string | null,
  ) => {
    await using events = await rig.app.events(path, { "last-event-id": requested });
    const first = await events.next();
    assert.deepEqual(
      [first.type, first.data.requested, first.data.reason],
      ["gap", requested, reason],
      "the first event",
    );
    // What comes after the gap is told in the head too.
    assert.match(events.headers.get("connack-last-event-id") ?? "", /^[0-9a-f]{12}-\d+$/);
    assert.equal((await events.next()).type, "snapshot");
    if (oldest !== null) assert.equal((await events.next()).id, oldest);
  };

  itHolds(
    "S51: an unknown id, one of another run, and one of another connection begin with a gap",
    async (rig) => {
      const broker = await rig.broker(() => {});
      await rig.open({ id: "home", url: broker.url }, "?wait=0");
      await rig.open({ id: "other", url: broker.url }, "?wait=0");
      const path = "/connections/home/events";
      const [mine = ""] = await history(rig, path);
      const [foreign = ""] = await history(rig, "/connections/other/events");
      const epoch = mine.slice(0, mine.lastIndexOf("-"));
      await expectGap(rig, path, "x".repeat(100), "unknown", mine);
      await expectGap(rig, path, `${epoch}-999999`, "unknown", mine);
      await expectGap(rig, path, foreign, "unknown", mine);
      await expectGap(rig, path, "0123456789ab-3", "restarted", mine);
      await expectGap(
        rig,
        "/events",
        "0123456789ab-3",
        "restarted",
        (await history(rig, "/events"))[0] ?? "",
      );
    },
  );

  itHolds(
    "S51: an expired id begins with a gap that names the oldest event",
    async (rig) => {
      const [first = ""] = await history(rig, "/events");
      await openBusy(rig, "home");
      await using events = await rig.app.events("/events");
      for (let i = 0; i < 40; i += 1) await events.next("connecting");
      // No more events, so that the oldest stays the oldest.
      await rig.call("DELETE", "/connections/home");
      await events.next("closed");
      const kept = await history(rig, "/events");
      assert.equal(kept.length, 16);
      await expectGap(rig, "/events", first, "expired", kept[0] ?? "");
      await using resumed = await rig.app.events("/events", { "last-event-id": kept[0] ?? "" });
      assert.equal((await resumed.next()).type, "snapshot");
      for (const id of kept.slice(1)) assert.equal((await resumed.next()).id, id);
    },
    { environment: small },
  );
});
