import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { makeCertificates } from "./certificates.ts";
import { startMosquitto } from "./mosquitto.ts";
import { connectClient, nextMessage } from "./mqtt-client.ts";
import { needs } from "./needs.ts";
import { describe, it } from "./test.ts";

const skip = needs("mosquitto", "openssl");

function check(name: string, body: () => Promise<void>): void {
  it(name, body, { skip });
}

describe("startMosquitto()", () => {
  check("checks passwords and the ACL", async () => {
    await using broker = await startMosquitto({
      users: { ada: "s3cret" },
      acl: "user ada\ntopic readwrite open/#\n",
    });
    await assert.rejects(connectClient(broker.url), /Not authorized/i);
    await using client = await connectClient(broker.url, {
      username: "ada",
      password: "s3cret",
      protocolVersion: 5,
    });
    await client.publishAsync("open/a", "x", { qos: 1 });
    await assert.rejects(client.publishAsync("closed/a", "x", { qos: 1 }), /Not authorized/i);
  });

  check("keeps its port and its data over stop() and start()", async () => {
    await using broker = await startMosquitto({ persistence: true });
    {
      await using client = await connectClient(broker.url);
      const closed = once(client.stream, "close");
      await client.publishAsync("kept", "yes", { retain: true, qos: 1 });
      await broker.stop();
      await closed;
    }
    await assert.rejects(connectClient(broker.url), { code: "ECONNREFUSED" });
    await broker.start();
    await using client = await connectClient(broker.url);
    const message = nextMessage(client);
    await client.subscribeAsync("kept");
    const { topic, payload } = await message;
    assert.deepEqual([topic, String(payload)], ["kept", "yes"]);
    assert.match(broker.log(), /running[^]*terminating[^]*running/);
  });

  check("is gone after stop(), also when it was frozen", async () => {
    await using broker = await startMosquitto();
    broker.signal("SIGSTOP");
    await broker.stop();
    await assert.rejects(once(connect(broker.port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
    await broker.stop();
  });

  check("asks for a client certificate", async () => {
    const { ca, server, client: good, strangerClient } = await makeCertificates();
    await using broker = await startMosquitto({ tls: { ca: ca.cert, ...server, requireCertificate: true } });
    await using client = await connectClient(broker.url, { ca: ca.cert, ...good });
    assert.equal(client.connected, true);
    await assert.rejects(connectClient(broker.url, { ca: ca.cert, ...strangerClient }));
    await broker.logged(/certificate verify failed|unknown ca/i);
  });

  check("speaks WebSocket", async () => {
    await using broker = await startMosquitto({ websockets: true });
    await using client = await connectClient(broker.url);
    await client.publishAsync("a", "x", { qos: 1 });
  });

  check("says why it cannot start", async () => {
    await assert.rejects(startMosquitto({ extra: ["no_such_setting 1"] }), /no_such_setting/);
  });
});
