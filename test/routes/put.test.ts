import assert from "node:assert/strict";
import { accepts, inTurn, refuses } from "../support/broker-scripts.ts";
import { freePort } from "../support/free-port.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

describe("PUT /connections/{id}", () => {
  itHolds("creates: 201 with Location", async (rig) => {
    const broker = await rig.broker(accepts());
    const answer = await rig.call("PUT", "/connections/home", { url: broker.url });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers.get("location"), "/connections/home");
    assert.equal(answer.body.id, "home");
  });

  itHolds("the same request again: 200, nothing changes and nothing reconnects", async (rig) => {
    const broker = await rig.broker(accepts());
    const request = { url: broker.url, password: rig.canary, username: "u", labels: { b: "2", a: "1" } };
    const first = await rig.call("PUT", "/connections/home", request);
    const sameInAnotherOrder = {
      labels: { a: "1", b: "2" },
      username: "u",
      password: rig.canary,
      url: broker.url,
    };
    const second = await rig.call("PUT", "/connections/home", sameInAnotherOrder);
    assert.equal(second.status, 200, second.text);
    assert.equal(second.body.version, first.body.version);
    assert.equal(second.headers.get("etag"), first.headers.get("etag"));
    assert.equal(broker.peers.length, 1);
  });

  itHolds(
    "a different request replaces: graceful close first, the generated client id stays",
    async (rig) => {
      const broker = await rig.broker(accepts());
      const first = await rig.call("PUT", "/connections/home", { url: broker.url });
      const second = await rig.call("PUT", "/connections/home", { url: broker.url, keepAlive: 30 });
      assert.equal(second.status, 200, second.text);
      assert.equal(second.body.request.keepAlive, 30);
      assert.equal(second.body.clientId, first.body.clientId);
      assert.equal(broker.peers.length, 2);
      await broker.peers[0]?.closed;
      assert.equal(broker.peers[0]?.received.at(-1)?.cmd, "disconnect");
      assert.notEqual(second.headers.get("etag"), first.headers.get("etag"));
    },
  );

  itHolds("only a password that differs replaces, too", async (rig) => {
    const broker = await rig.broker(accepts());
    const put = (password: string) =>
      rig.call("PUT", "/connections/home", { url: broker.url, username: "u", password });
    await put(rig.canary);
    assert.equal((await put(`${rig.canary}2`)).status, 200);
    assert.equal(broker.peers.length, 2);
  });

  itHolds("creating fails: the problem, and nothing is kept", async (rig) => {
    const answer = await rig.call("PUT", "/connections/home", {
      url: `mqtt://127.0.0.1:${await freePort()}`,
    });
    assertProblem(answer, 502, "connection-refused");
    assert.equal((await rig.call("GET", "/connections/home")).status, 404);
  });

  for (const [code, status, problem, state] of [
    [0x87, 502, "broker-refused", "failed"],
    [0x88, 503, "broker-unavailable", "waiting"],
  ] as const) {
    itHolds(`replacing fails (${problem}): the problem, and the connection stays, ${state}`, async (rig) => {
      const broker = await rig.broker(inTurn(accepts(), refuses(code)));
      await rig.call("PUT", "/connections/home", { url: broker.url });
      const request = { url: broker.url, keepAlive: 30, reconnect: { minDelayMs: 60_000 } };
      assertProblem(await rig.call("PUT", "/connections/home", request), status, problem);
      const { body } = await rig.call("GET", "/connections/home");
      assert.equal(body.state, state);
      assert.equal(body.request.keepAlive, 30);
      const again = await rig.call("PUT", "/connections/home", request);
      assert.equal(again.status, 200, "the same request changes nothing");
      assert.equal(broker.peers.length, 2);
    });
  }

  itHolds("?wait=0: 202, and the old one is closed first", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.call("PUT", "/connections/home", { url: broker.url });
    const answer = await rig.call("PUT", "/connections/home?wait=0", { url: broker.url, keepAlive: 30 });
    assert.equal(answer.status, 202, answer.text);
    await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
    await events.next("connected");
  });

  itHolds("the id is in the path: another in the body is a 422, the same one is not", async (rig) => {
    const broker = await rig.broker(accepts());
    const other = await rig.call("PUT", "/connections/home", { id: "away", url: broker.url });
    assertProblem(other, 422, "invalid-request");
    assert.equal(other.body.errors[0].pointer, "/id");
    assert.equal((await rig.call("PUT", "/connections/home", { id: "home", url: broker.url })).status, 201);
  });

  itHolds("an id that cannot be one: 422", async (rig) => {
    const broker = await rig.broker(accepts());
    for (const id of ["a%2Fb", "%20", "x".repeat(65), "%C3%A9"]) {
      const answer = await rig.call("PUT", `/connections/${id}`, { url: broker.url });
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, "id");
    }
  });
});

describe("PUT and DELETE: If-Match and If-None-Match", () => {
  itHolds("If-None-Match: * creates, and never replaces", async (rig) => {
    const broker = await rig.broker(accepts());
    const create = { "if-none-match": "*" };
    assert.equal((await rig.call("PUT", "/connections/home", { url: broker.url }, create)).status, 201);
    const again = await rig.call("PUT", "/connections/home", { url: broker.url, keepAlive: 9 }, create);
    assertProblem(again, 412, "precondition-failed");
    assert.equal(broker.peers.length, 1);
  });

  itHolds("If-Match replaces and deletes only what the caller has seen", async (rig) => {
    const broker = await rig.broker(accepts());
    const seen = (await rig.call("PUT", "/connections/home", { url: broker.url })).headers.get("etag")!;
    const replace = (tag: string, keepAlive: number) =>
      rig.call("PUT", "/connections/home", { url: broker.url, keepAlive }, { "if-match": tag });
    assertProblem(await replace('"other.1"', 1), 412, "precondition-failed");
    const replaced = await replace(`"other.1", ${seen}`, 30);
    assert.equal(replaced.status, 200, replaced.text);
    assertProblem(await replace(seen, 40), 412, "precondition-failed");
    const remove = (tag: string) => rig.call("DELETE", "/connections/home", undefined, { "if-match": tag });
    assertProblem(await remove(seen), 412, "precondition-failed");
    assert.equal((await remove(replaced.headers.get("etag")!.replace(/^W\//, ""))).status, 200);
    assertProblem(await replace("*", 50), 412, "precondition-failed");
  });
});
