import assert from "node:assert/strict";
import { inTurn } from "../support/broker-scripts.ts";
import { itHolds, type Rig, timed } from "../support/invariants.ts";
import { acknowledge, acknowledgesWith, opens, publishesAt, resumes } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import { describe } from "../support/test.ts";

// oxlint-disable-next-line no-explicit-any
type Report = any;

/** Publishes messages, one a line, and gives the reports. */
async function publishLines(rig: Rig, messages: readonly (object | string)[], query = ""): Promise<Report[]> {
  const body = messages.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n");
  const headers = { "content-type": "application/x-ndjson" };
  const { status, text } = await rig.call("POST", `/connections/home/publish${query}`, body, headers);
  assert.equal(status, 200, text);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const numbered = (count: number, qos: number) =>
  Array.from({ length: count }, (_, n) => ({ topic: "t", payload: `${n}`, qos }));

/** Acknowledges so many at QoS 1, then ends the network connection with others in flight. */
const dies = (after: number): Script =>
  opens({}, async (peer) => {
    for (let n = 0; n < after; n += 1)
      acknowledge(peer, "puback", (await peer.next("publish")).messageId ?? 0);
    await peer.next("publish");
    // Not a reset, which would overtake what was acknowledged.
    peer.end();
  });

function assertInOrder(reports: readonly Report[], count: number): void {
  assert.deepEqual(
    reports.map(({ line }) => line),
    Array.from({ length: count }, (_, n) => n + 1),
  );
}

describe("a message a line, and what goes wrong on the way", () => {
  itHolds("each line has one report, in order, though some are wrong and some refused", async (rig) => {
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("publish", ({ topic, messageId = 0 }) =>
          acknowledge(peer, "puback", messageId, { reasonCode: topic === "secret" ? 0x87 : 0 }),
        );
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const reports = await publishLines(rig, [
      { topic: "a", payload: "1", qos: 1 },
      "{not json",
      { topic: "a/+", payload: "2", qos: 1 },
      { topic: "secret", payload: "3", qos: 1 },
      "[]",
      { topic: "a", payload: "4", qos: 1, colour: "red" },
      { topic: "a", payload: "5", qos: 0 },
      { topic: "a", payload: "6", qos: 1 },
    ]);
    assertInOrder(reports, 8);
    const statuses = reports.map(({ status }) => status);
    assert.deepEqual(
      [statuses[0], ...statuses.slice(2, 4), ...statuses.slice(5)],
      [200, 422, 403, 422, 202, 200],
    );
    for (const index of [1, 4])
      assert.ok([400, 422].includes(statuses[index]), JSON.stringify(reports[index]));
    assert.deepEqual(
      publishesAt(await broker.connection(1)).map(({ payload }) => String(payload)),
      ["1", "3", "5", "6"],
    );
  });

  itHolds(
    "the broker dies with some in flight, the session gone: no report is a false success",
    async (rig) => {
      const broker = await rig.broker(
        inTurn(
          dies(5),
          opens({}, (peer) => acknowledgesWith(peer)),
        ),
      );
      await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 60_000 } });
      const [reports, ms] = await timed(publishLines(rig, numbered(200, 1)));
      assertInOrder(reports, 200);
      assert.ok(ms < 5_000, `${ms} ms`);
      const seen = new Set(publishesAt(await broker.connection(1)).map(({ payload }) => String(payload)));
      for (const [index, report] of reports.entries()) {
        if (index < 5) assert.equal(report.status, 200, JSON.stringify(report));
        else assert.ok([502, 503].includes(report.status), JSON.stringify(report));
        // What the broker has seen may be there twice when it is tried again, and the report has to say so.
        if (index >= 5 && seen.has(`${index}`))
          assert.ok(JSON.stringify(report).includes(`"duplicatePossible":true`), JSON.stringify(report));
      }
    },
  );

  itHolds("the broker dies with some in flight and keeps the session: those are published", async (rig) => {
    const session = { clientId: "c", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };
    const broker = await rig.broker(
      inTurn(
        dies(5),
        resumes((peer) => acknowledgesWith(peer)),
      ),
    );
    await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 10 }, ...session });
    const reports = await publishLines(rig, numbered(200, 1));
    assertInOrder(reports, 200);
    const published = new Set(broker.peers.flatMap(publishesAt).map(({ payload }) => String(payload)));
    for (const [index, { status }] of reports.entries()) {
      assert.ok([200, 503].includes(status), JSON.stringify(reports[index]));
      if (status === 200) assert.ok(published.has(`${index}`), `${index} was never sent`);
      else assert.ok(!published.has(`${index}`), `${index} was sent, and told 503`);
    }
    assert.ok(reports.filter(({ status }) => status === 200).length > 5);
  });

  itHolds("the Receive Maximum holds for lines as well", async (rig) => {
    let unacknowledged = 0;
    let most = 0;
    const broker = await rig.broker(
      opens({ connack: { receiveMaximum: 3 } }, (peer) => {
        peer.answer("publish", ({ messageId = 0 }) => {
          unacknowledged += 1;
          most = Math.max(most, unacknowledged);
          setImmediate(() => {
            unacknowledged -= 1;
            acknowledge(peer, "puback", messageId);
          });
        });
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const reports = await publishLines(rig, numbered(500, 1));
    assertInOrder(reports, 500);
    for (const report of reports) assert.equal(report.status, 200, JSON.stringify(report));
    assert.equal(most, 3);
  });

  itHolds(
    "a broker that never acknowledges: each line is told at its deadline, not one after another",
    async (rig) => {
      const broker = await rig.broker(opens({}));
      await rig.open({ id: "home", url: broker.url });
      const [reports, ms] = await timed(publishLines(rig, numbered(50, 1), "?wait=1"));
      assertInOrder(reports, 50);
      for (const report of reports) assert.equal(report.status, 504, JSON.stringify(report));
      assert.ok(ms < 3_000, `${ms} ms`);
    },
  );
});
