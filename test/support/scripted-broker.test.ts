import assert from "node:assert/strict";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import mqtt, { type IDisconnectPacket, type MqttClient } from "mqtt";
import {
  accepts,
  acceptsThen,
  acknowledges,
  disconnects,
  inTurn,
  knowsOnly311,
  refuses,
} from "./broker-scripts.ts";
import { makeCertificates } from "./certificates.ts";
import * as hostile from "./hostile-scripts.ts";
import { connectClient } from "./mqtt-client.ts";
import { needs } from "./needs.ts";
import { startScriptedBroker } from "./scripted-broker.ts";
import { describe, it } from "./test.ts";

describe("startScriptedBroker() with mqtt.js", () => {
  for (const protocolVersion of [4, 5] as const) {
    it(`accepts, acknowledges and is left, version ${protocolVersion}`, async () => {
      const properties = { receiveMaximum: 2, assignedClientIdentifier: "yours" };
      await using broker = await startScriptedBroker(acceptsThen((peer) => acknowledges(peer), properties));
      await using client = await connectClient(broker.url, { protocolVersion });
      await client.subscribeAsync("a/#", { qos: 1 });
      await client.publishAsync("a/b", "x", { qos: 1 });
      await client.publishAsync("a/c", "y", { qos: 2 });
      if (protocolVersion === 5) assert.equal(client.serverProperties?.receiveMaximum, 2);
      await client.unsubscribeAsync("a/#");
      const peer = await broker.connection(1);
      assert.equal(peer.protocolVersion, protocolVersion);
      assert.equal(broker.liveCount(), 1);
      await client.endAsync();
      await peer.closed;
      assert.equal(broker.liveCount(), 0);
      const commands = peer.received.map(({ cmd }) => cmd);
      const sent = ["connect", "subscribe", "publish", "publish", "pubrel", "unsubscribe", "disconnect"];
      assert.deepEqual(commands, sent);
    });
  }

  it("refuses with the code of either version", async () => {
    await using broker = await startScriptedBroker(
      inTurn(refuses(5), refuses(0x86, { reasonString: "no" }), knowsOnly311()),
    );
    assert.deepEqual(await failure(broker.url, 4), { error: 5 });
    assert.deepEqual(await failure(broker.url, 5), { error: 0x86 });
    assert.deepEqual(await failure(broker.url, 5), { error: 1 });
    await using client = await connectClient(broker.url, { protocolVersion: 4 });
    assert.equal(client.connected, true);
  });

  it("sends FIN and RST before the CONNACK", async () => {
    await using broker = await startScriptedBroker(
      inTurn(hostile.endsAtOnce(), hostile.dropsConnect("end"), hostile.dropsConnect("reset")),
    );
    assert.deepEqual(await failure(broker.url), { error: undefined });
    assert.deepEqual(await failure(broker.url), { error: undefined });
    assert.deepEqual(await failure(broker.url), { error: "ECONNRESET" });
  });
});

describe("ScriptedPeer", () => {
  it("next() takes packets by kind and rejects when the client has gone", async () => {
    const script = Promise.withResolvers<string[]>();
    await using broker = await startScriptedBroker(
      acceptsThen(async (peer) => {
        const end = await peer.next("pubrel").catch((error: Error) => error.name);
        const first = await peer.next("publish");
        const { cmd } = await peer.next();
        script.resolve([typeof end === "string" ? end : end.cmd, first.topic, cmd]);
      }),
    );
    await using client = await connectClient(broker.url);
    await client.publishAsync("first", "1");
    await client.publishAsync("second", "2");
    client.stream.end();
    assert.deepEqual(await script.promise, ["PeerClosed", "first", "publish"]);
    await (
      await broker.connection(1)
    ).closed;
  });

  it("a DISCONNECT carries its code and properties", async () => {
    await using broker = await startScriptedBroker(disconnects(0x8b, { reasonString: "bye" }));
    const client = mqtt.connect(broker.url, { protocolVersion: 5, reconnectPeriod: 0 });
    const packet = await new Promise<IDisconnectPacket>((resolve) => client.once("disconnect", resolve));
    assert.equal(packet.reasonCode, 0x8b);
    assert.equal(packet.properties?.reasonString, "bye");
    await client.endAsync(true);
  });

  it("its disposal throws what a script threw", async () => {
    const broker = await startScriptedBroker(acceptsThen(() => assert.fail("wrong packet")));
    await using client = await connectClient(broker.url);
    assert.equal(client.connected, true);
    await assert.rejects(async () => await broker[Symbol.asyncDispose](), /wrong packet/);
  });
});

describe("hostile scripts", () => {
  const cases = {
    sendsMalformedPacket: hostile.sendsMalformedPacket(),
    publishesBeforeConnack: hostile.publishesBeforeConnack(),
    sendsSecondConnack: hostile.sendsSecondConnack(),
    usesUnknownTopicAlias: hostile.usesUnknownTopicAlias(),
    httpBanner: hostile.httpBanner(),
    sshBanner: hostile.sshBanner(),
  };
  for (const [name, script] of Object.entries(cases)) {
    it(`${name}() makes mqtt.js complain`, async () => {
      await using broker = await startScriptedBroker(script);
      const client = mqtt.connect(broker.url, {
        protocolVersion: 5,
        reconnectPeriod: 0,
        connectTimeout: 500,
      });
      assert.ok(await complaint(client));
      await client.endAsync(true);
    });
  }

  it("declares256MiB() sends until the client goes", async () => {
    await using broker = await startScriptedBroker(hostile.declares256MiB());
    const client = connect(broker.port, "127.0.0.1");
    client.write(Buffer.from("100e00044d5154540402003c00024141", "hex"));
    let bytes = 0;
    for await (const chunk of client) {
      bytes += chunk.length;
      if (bytes > 4_000_000) break;
    }
    const peer = await broker.connection(1);
    await peer.closed;
    assert.ok(bytes < 8_000_000);
  });
});

describe("startScriptedBroker() over TLS", () => {
  const skip = needs("openssl");
  it(
    "accepts, and ends what it has accepted",
    async () => {
      const { ca, server } = await makeCertificates();
      await using broker = await startScriptedBroker(
        inTurn(
          accepts(),
          (peer) => peer.reset(),
          (peer) => peer.end(),
        ),
        { tls: server },
      );
      await using client = await connectClient(broker.url, { ca: ca.cert });
      assert.equal(client.connected, true);
      assert.match(await tlsEnd(broker.port, ca.cert), /^ECONNRESET$|^end$/);
      assert.equal(await tlsEnd(broker.port, ca.cert), "end");
    },
    { skip },
  );
});

async function tlsEnd(port: number, ca: string): Promise<string> {
  const socket = connectTls({ port, host: "127.0.0.1", ca });
  socket.resume();
  return await new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("end", () => resolve("end"));
  });
}

async function complaint(client: MqttClient): Promise<string> {
  return await new Promise((resolve) => {
    client.on("error", (error) => resolve(error.message));
    client.on("close", () => resolve("close"));
  });
}

async function failure(url: string, protocolVersion: 4 | 5 = 4): Promise<{ error: unknown }> {
  const client = mqtt.connect(url, { protocolVersion, reconnectPeriod: 0 });
  let error: unknown;
  client.on("error", (cause) => (error = "code" in cause ? cause.code : cause.message));
  await new Promise<void>((resolve) => client.once("close", () => resolve()));
  await client.endAsync(true);
  return { error };
}
