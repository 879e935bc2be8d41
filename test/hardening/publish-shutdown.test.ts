import assert from "node:assert/strict";
import { timed } from "../support/invariants.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import { type Program, startMain } from "../support/program.ts";
import { startScriptedBroker, type ScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const post = (url: string, body: string, type = "text/plain") =>
  fetch(url, { method: "POST", body, headers: { "content-type": type } });

/** `main.ts` with the connection `home`, whose URL is given. */
async function connected(program: Program, broker: ScriptedBroker): Promise<string> {
  const url = await program.printed(/http:\S+/);
  const opened = await post(
    `${url}/connections`,
    JSON.stringify({ id: "home", url: broker.url }),
    "application/json",
  );
  assert.equal(opened.status, 201, await opened.text());
  return `${url}/connections/home`;
}

describe("S65: SIGTERM while publishes are in flight", () => {
  it("S65: what is acknowledged in the grace period is a success, and DISCONNECT comes behind it", async () => {
    await using broker = await startScriptedBroker(opens({}));
    await using program = startMain({ CONNACK_SHUTDOWN_GRACE_MS: "8000" });
    const home = await connected(program, broker);
    const peer = await broker.connection(1);
    const answers = ["a", "b"].map((payload) => post(`${home}/publish?topic=t&qos=1`, payload));
    const ids = [(await peer.next("publish")).messageId ?? 0, (await peer.next("publish")).messageId ?? 0];
    program.signal("SIGTERM");
    // It takes no new work from then on.
    while ((await post(`${home}/publish?topic=late`, "late").catch(() => ({ ok: false }))).ok);
    for (const id of ids) acknowledge(peer, "puback", id);
    for (const answer of answers) {
      const { status } = await answer;
      assert.equal(status, 200);
    }
    const [code, ms] = await timed(program.exited);
    assert.equal(code, 0, program.output());
    assert.ok(ms < 4_000, `${ms} ms`);
    await peer.closed;
    assert.equal(peer.received.at(-1)?.cmd, "disconnect");
  });

  it("S65: what is not acknowledged is told that a duplicate is possible, and the exit is in time", async () => {
    await using broker = await startScriptedBroker(opens({ connack: { receiveMaximum: 1 } }));
    await using program = startMain({ CONNACK_SHUTDOWN_GRACE_MS: "1000" });
    const home = await connected(program, broker);
    const peer = await broker.connection(1);
    const sent = post(`${home}/publish?topic=t&qos=1&wait=60`, "sent");
    await peer.next("publish");
    const waiting = post(`${home}/publish?topic=t&qos=1&wait=60`, "waiting");
    assert.equal((await post(`${home}/ping`, "")).status, 200);
    program.signal("SIGTERM");
    const [code, ms] = await timed(program.exited);
    assert.equal(code, 0, program.output());
    assert.ok(ms < 5_000, `${ms} ms`);
    const [first, second] = [await sent, await waiting];
    const told = JSON.parse(await first.text());
    assert.ok(first.status >= 500 && told.duplicatePossible === true, JSON.stringify(told));
    const other = JSON.parse(await second.text());
    assert.ok(second.status >= 400 && other.duplicatePossible !== true, JSON.stringify(other));
    assert.equal(publishesAt(peer).length, 1);
  });
});
