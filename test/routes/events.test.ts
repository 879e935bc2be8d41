import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const query = "/connections/e/events";

describe("GET /connections/{id}/events", () => {
  for (const path of [query, "/events", `${query}?format=ndjson`]) {
    itHolds(`HEAD ${path}: the headers of the stream, and no stream`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "e", url: broker.url });
      const head = await rig.call("HEAD", path);
      assert.equal(head.status, 200);
      await using events = await rig.app.events(path);
      for (const name of ["content-type", "cache-control", "connack-last-event-id"])
        assert.equal(head.headers.get(name), events.headers.get(name), name);
      assert.equal((await rig.call("GET", "/readyz")).body.streams, 1);
    });
  }

  itHolds("HEAD where GET would be refused: as GET", async (rig) => {
    assert.equal((await rig.call("HEAD", "/connections/nobody/events")).status, 404);
    assert.equal((await rig.call("HEAD", "/events", undefined, { accept: "image/png" })).status, 406);
  });

  itHolds("?types takes those that come anyway, and no others", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "e", url: broker.url });
    await using events = await rig.app.events(
      `${query}?types=snapshot,gap,shutdown,connected&lastEventId=earliest`,
    );
    await events.next("snapshot");
    assert.equal((await events.next()).type, "connected");
    const wrong = await rig.call("GET", `${query}?types=snapshots&format=json`);
    assertProblem(wrong, 422, "invalid-request");
    assert.equal(wrong.body.errors[0].parameter, "types");
  });

  itHolds("?format=json&after= is as without after: from the oldest", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "e", url: broker.url });
    const plain = await rig.call("GET", `${query}?format=json`);
    assert.ok(plain.body.items.length > 0);
    assert.deepEqual((await rig.call("GET", `${query}?format=json&after=`)).body, plain.body);
  });
});
