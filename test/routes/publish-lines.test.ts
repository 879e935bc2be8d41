import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { startApp } from "../support/app.ts";
import { DuplexCall, type Report } from "../support/duplex-call.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe, it } from "../support/test.ts";

const path = "/connections/home/publish";
const type = { "content-type": "application/x-ndjson" };

const line = (payload: string, qos = 1) => `${JSON.stringify({ topic: "a", payload, qos })}\n`;

const reportsOf = (text: string): Report[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((one) => JSON.parse(one));

/** What is reported on a body that comes whole. */
async function reported(rig: Rig, body: string | Buffer, query = ""): Promise<Report[]> {
  const response = await fetch(`${rig.app.url}${path}${query}`, { method: "POST", headers: type, body });
  assert.equal(response.status, 200, response.status === 200 ? "" : await response.text());
  return reportsOf(await response.text());
}

const outline = (reports: readonly Report[]) => reports.map(({ line, status }) => [line, status]);

describe("POST …/publish with lines", () => {
  itHolds("a line's report comes before the next line is sent", async (rig) => {
    await openHome(rig);
    using call = new DuplexCall(rig.app.url, path);
    for (const number of [1, 2, 3]) {
      call.send(line(String(number)));
      const { ms, ...rest } = await call.next();
      assert.deepEqual(rest, {
        line: number,
        status: 200,
        reasonCode: 0,
        reasonName: "Success",
        packetId: number,
      });
      assert.equal(typeof ms, "number");
    }
    call.send(line("4", 0));
    assert.deepEqual(await call.next(), { line: 4, status: 202, qos: 0 });
    call.end();
    assert.deepEqual(await call.rest(), []);
    assert.equal(call.complete, true);
    assert.match(call.head, /^HTTP\/1\.1 200 /);
    for (const header of [
      "content-type: application/x-ndjson",
      "cache-control: no-store, no-transform",
      "x-accel-buffering: no",
    ])
      assert.ok(call.head.toLowerCase().includes(header), call.head);
  });

  itHolds("also with Expect: 100-continue", async (rig) => {
    await openHome(rig);
    using call = new DuplexCall(rig.app.url, path, ["Expect: 100-continue"]);
    call.send(line("1"));
    assert.equal((await call.next()).status, 200);
    call.end();
    assert.deepEqual(await call.rest(), []);
  });

  it(
    "curl -T . streams both ways; with - it would wait for its input before it reads",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await app.open({ id: "home", url: broker.url });
      // Through cat, because one runtime's children have a socket where others have a pipe.
      const command = `cat | curl -sN -X POST -T . -H 'Content-Type: application/x-ndjson' ${app.url}${path}`;
      const curl = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "ignore"] });
      for (const number of [1, 2]) {
        curl.stdin.write(line(String(number)));
        const [report] = reportsOf(String((await once(curl.stdout, "data"))[0]));
        assert.deepEqual([report.line, report.status], [number, 200]);
      }
      curl.stdin.end();
      assert.deepEqual(await once(curl, "exit"), [0, null]);
    },
    { skip: needs("curl") || needs("mosquitto") },
  );

  itHolds("lines end with LF or CRLF, the last with neither; empty ones are counted", async (rig) => {
    const peer = await openHome(rig);
    const body = `${line("1")}\n${line("2").trim()}\r\n\r\n\r\n${line("3").trim()}`;
    assert.deepEqual(outline(await reported(rig, body)), [
      [1, 200],
      [3, 200],
      [6, 200],
    ]);
    assert.deepEqual(
      publishesAt(peer).map(({ payload }) => String(payload)),
      ["1", "2", "3"],
    );
    assert.deepEqual(await reported(rig, "\n"), []);
    assert.equal((await post(rig, "", null, type)).status, 200);
  });

  itHolds(
    "a line that is wrong has its own report, and the others go on",
    async (rig) => {
      const peer = await openHome(rig);
      const body = Buffer.concat([
        Buffer.from(`${line("1")}{"topic"\n{"topic":"#","bla":1}\n{"topic":"a","__proto__":1}\n`),
        Buffer.from(`{"topic":"\xe9"}\n`, "latin1"),
        Buffer.from(`${line("x".repeat(3_000))}${line("x".repeat(1_500))}${line("8")}`),
      ]);
      const reports = await reported(rig, body);
      assert.deepEqual(outline(reports), [
        [1, 200],
        [2, 400],
        [3, 422],
        [4, 422],
        [5, 400],
        [6, 413],
        [7, 413],
        [8, 200],
      ]);
      assert.deepEqual(Object.keys(reports[2]), ["line", "status", "code", "detail", "errors", "retryable"]);
      assert.deepEqual(reports[2].errors.map(({ pointer }: { pointer: string }) => pointer).toSorted(), [
        "/bla",
        "/topic",
      ]);
      assert.equal(reports[3].errors[0].pointer, "/__proto__");
      assert.equal(reports[5].limit.name, "CONNACK_MAX_BODY_BYTES");
      assert.equal(reports[6].limit.name, "CONNACK_MAX_PAYLOAD_BYTES");
      assert.deepEqual(
        publishesAt(peer).map(({ payload }) => String(payload)),
        ["1", "8"],
      );
    },
    { environment: () => ({ CONNACK_MAX_BODY_BYTES: "2000", CONNACK_MAX_PAYLOAD_BYTES: "1000" }) },
  );

  itHolds("reports are in the order of the lines, whatever order acknowledgements are in", async (rig) => {
    const broker = await rig.broker(
      opens({}, async (peer) => {
        const ids = [];
        for (let i = 0; i < 4; i += 1) ids.push((await peer.next("publish")).messageId);
        for (const id of ids.toReversed()) if (id !== undefined) acknowledge(peer, "puback", id);
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const reports = await reported(rig, `${line("1")}${line("2")}bad\n${line("4", 0)}${line("5")}`);
    assert.deepEqual(outline(reports), [
      [1, 200],
      [2, 200],
      [3, 400],
      [4, 202],
      [5, 200],
    ]);
  });

  it(
    "20,000 messages arrive in order, at QoS 0 and 1, however they are cut into chunks",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await using reader = await connectClient(broker.url, { protocolVersion: 5 });
      await reader.subscribeAsync("a", { qos: 1 });
      const arrived: string[] = [];
      const all = Promise.withResolvers<void>();
      reader.on("message", (_topic, payload) => {
        if (arrived.push(String(payload)) === 20_000) all.resolve();
      });
      await app.open({ id: "home", url: broker.url });
      using call = new DuplexCall(app.url, path);
      const body = Buffer.from(
        Array.from({ length: 20_000 }, (_, n) => line(`é${n}`, n < 10_000 ? 0 : 1)).join(""),
      );
      for (let at = 0, size = 1; at < body.length; at += size, size = 1 + ((at * 7_919) % 60_000))
        if (!call.send(body.subarray(at, at + size))) await once(call.socket, "drain");
      call.end();
      const reports = await call.rest();
      assert.deepEqual(
        reports.findIndex(
          ({ line, status }, index) => line !== index + 1 || (status !== 200 && status !== 202),
        ),
        -1,
      );
      assert.equal(reports.length, 20_000);
      await all.promise;
      assert.equal(
        arrived.findIndex((payload, n) => payload !== `é${n}`),
        -1,
      );
    },
    { skip: needs("mosquitto"), timeout: 60_000 },
  );

  itHolds("options elsewhere, and an unknown connection: a problem instead of reports", async (rig) => {
    await openHome(rig);
    const byHeader = await post(rig, "", Buffer.from(line("1")), { ...type, "Mqtt-Qos": "1" });
    assertProblem(byHeader, 422, "invalid-request");
    assertProblem(await post(rig, "?qos=1", Buffer.from(line("1")), type), 422, "invalid-request");
    const unknown = await rig.call("POST", "/connections/nobody/publish", line("1"), type);
    assertProblem(unknown, 404, "not-found");
  });

  itHolds(
    "is one of the calls that wait, and does not go idle meanwhile",
    async (rig) => {
      await openHome(rig, { idleTtlMs: 1_000 });
      using call = new DuplexCall(rig.app.url, path);
      call.send(line("1"));
      assert.equal((await call.next()).status, 200);
      assertProblem(await post(rig, "", Buffer.from(line("1")), type), 429, "limit-reached");
      assert.equal((await rig.call("GET", "/connections/home")).body.expiresAt, null);
      call.end();
      await call.rest();
      // Its place is free again when its end has been noticed.
      let again = await post(rig, "?topic=a&qos=1", Buffer.from("1"));
      while (again.status === 429) again = await post(rig, "?topic=a&qos=1", Buffer.from("1"));
      assert.equal(again.status, 200, again.text);
    },
    { environment: () => ({ CONNACK_MAX_WAITS: "1" }) },
  );
});
