import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../support/broker-scripts.ts";
import { secretKey } from "../support/durable-app.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { cannotTrace, startTraced, Trace, traceOptions } from "../support/strace.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

/** Something that came, what of it has to be in the store's log, and what may go out when that is on the disk. */
interface Step {
  readonly came: string | Buffer;
  readonly kept: string | null;
  readonly sent: string | Buffer;
}

const json = { "content-type": "application/json" };

/** Holds the order on the wire and on the disk against what was promised. */
function assertOrder(trace: Trace, { came, kept, sent }: Step): void {
  const read = trace.read(came);
  assert.ok(read >= 0, `${String(came)} was not seen to come`);
  const logged = kept === null ? read : trace.logged(kept, read);
  assert.ok(logged >= read, `${kept} was not written behind ${String(came)}`);
  const synced = trace.synced(logged);
  assert.ok(synced > logged, `no fsync behind ${String(came)}`);
  const out = trace.sent(sent, read);
  assert.ok(out > synced, `${String(came)}: answered in line ${out}, on the disk in line ${synced}`);
}

describe("S62: nothing goes out that is not on the disk", () => {
  it(
    "PUBACK, PUBREC, PUBCOMP, and the answers to PUT, to a publish that is queued, and to DELETE",
    async () => {
      using directory = temporaryDirectory();
      await using broker = await startScriptedBroker(accepts());
      const file = join(directory.path, "trace");
      await using server = startTraced(file, traceOptions, {
        CONNACK_STORE: `sqlite:${join(directory.path, "connack.db")}`,
        CONNACK_SECRET_KEY: secretKey,
      });
      const line = await server.printed(/listening on http:\S+/);
      const url = line.slice(line.indexOf("http:"));
      const request = { url: broker.url, cleanStart: false, log: { durable: true } };
      const put = await fetch(`${url}/connections/synced-home`, {
        method: "PUT",
        headers: json,
        body: JSON.stringify({ ...request, properties: { sessionExpiryInterval: 60 } }),
      });
      assert.equal(put.status, 201, await put.text());
      const peer = await broker.connection(1);
      peer.send(message("synced/one", "m", { qos: 1, messageId: 0x1234 }));
      await peer.next("puback");
      peer.send(message("synced/two", "m", { qos: 2, messageId: 0x2345 }));
      await peer.next("pubrec");
      peer.sendBytes(Buffer.from("62022345", "hex"));
      await peer.next("pubcomp");
      const queued = await fetch(`${url}/connections/synced-home/publish?queue=60`, {
        method: "POST",
        headers: json,
        body: JSON.stringify({ topic: "synced/three", payload: "m", qos: 1 }),
      });
      assert.equal(queued.status, 202, await queued.text());
      const gone = await fetch(`${url}/connections/synced-home?force=true`, { method: "DELETE" });
      assert.equal(gone.status, 200, await gone.text());
      server.signal("SIGKILL");
      await server.exited;

      const trace = new Trace(readFileSync(file, "utf8"));
      const steps: readonly Step[] = [
        { came: "PUT /connections/synced-home", kept: "synced-home", sent: "HTTP/1.1 201" },
        { came: "synced/one", kept: "synced/one", sent: Buffer.from("40021234", "hex") },
        { came: "synced/two", kept: "synced/two", sent: Buffer.from("50022345", "hex") },
        { came: Buffer.from("62022345", "hex"), kept: "synced/two", sent: Buffer.from("70022345", "hex") },
        { came: "synced/three", kept: "synced/three", sent: "HTTP/1.1 202" },
        { came: "DELETE /connections/synced-home", kept: null, sent: "HTTP/1.1 200" },
      ];
      for (const step of steps) assertOrder(trace, step);
    },
    { skip: cannotTrace() },
  );
});
