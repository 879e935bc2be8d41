import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import mqtt, { type IClientOptions, type IStore, type Packet } from "mqtt";
import { IncomingStore } from "../../src/broker/incoming-store.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker, type Script, type ScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

/** What `client.ts` uses of mqtt.js and its types do not show. When this fails after an update, look there first. */
interface Hidden {
  outgoing: Record<string, { readonly cb?: (error: Error) => void }>;
  handleMessage: (packet: Packet, done: (error?: Error) => void) => void;
}

/** Private there, so that it cannot stand beside the rest. */
interface Sends {
  _sendPacket: (packet: Packet, done?: () => void) => void;
}

const publish = { cmd: "publish", topic: "t", payload: "x", dup: false, retain: false } as const;

// oxlint-disable-next-line no-explicit-any
const next = (client: mqtt.MqttClient, event: string): Promise<any> =>
  new Promise((resolve) => client.once(event as "message", resolve));

interface Rig extends AsyncDisposable {
  readonly client: mqtt.MqttClient & Hidden;
  readonly stream: ReturnType<typeof connect>;
  readonly broker: ScriptedBroker;
}

/** A client as `client.ts` makes it, on a stream that is open, after its CONNACK. */
async function start(options: IClientOptions = {}, script: Script = accepts()): Promise<Rig> {
  const broker = await startScriptedBroker(script);
  const stream = connect(broker.port, "127.0.0.1");
  await once(stream, "connect");
  const all = { manualConnect: true, reconnectPeriod: 0, protocolVersion: 5 as const, ...options };
  const client = new mqtt.MqttClient(() => stream as never, all) as unknown as Rig["client"];
  client.on("error", () => {});
  client.connect();
  await next(client, "connect");
  return {
    client,
    stream,
    broker,
    async [Symbol.asyncDispose]() {
      stream.destroy();
      await broker[Symbol.asyncDispose]();
    },
  };
}

describe("mqtt.js", () => {
  it("is the version that this was written for", () => {
    const manifest: { version: string } = createRequire(import.meta.url)("mqtt/package.json");
    assert.equal(manifest.version, "5.16.0");
  });

  it("has in `outgoing` what awaits an acknowledgement, and end() waits for it to be empty", async () => {
    await using rig = await start();
    const { client, broker } = rig;
    assert.deepEqual(client.outgoing, {});
    client.publish("t", "x", { qos: 1 });
    const peer = await broker.connection(1);
    const { messageId = 0 } = await peer.next("publish");
    assert.deepEqual(Object.keys(client.outgoing), [String(messageId)]);
    peer.send({ cmd: "puback", messageId });
    await next(client, "packetreceive");
    await new Promise(setImmediate);
    assert.deepEqual(client.outgoing, {});
    // Emptied by us, end() goes through though an acknowledgement is missing.
    client.publish("t", "x", { qos: 1 });
    await peer.next("publish");
    client.outgoing = {};
    client.end(false, { reasonCode: 4 });
    await next(client, "close");
    assert.deepEqual(
      peer.received.flatMap((packet) => (packet.cmd === "disconnect" ? [packet.reasonCode] : [])),
      [4],
    );
  });

  it("has in `outgoing` how to tell who waits for a SUBACK that none will come", async () => {
    await using rig = await start({}, async (peer) => {
      await accepts()(peer);
      peer.answer("subscribe", () => {});
    });
    const told = new Promise<unknown[]>((resolve) =>
      rig.client.subscribe("a", (...answer) => resolve(answer)),
    );
    const [waiting] = Object.values(rig.client.outgoing);
    waiting?.cb?.(new Error("over"));
    const [why, , packet] = await told;
    assert.deepEqual([why instanceof Error && why.message, packet], ["over", undefined]);
  });

  it("calls handleMessage() for each PUBLISH, and acknowledges when that is done", async () => {
    await using rig = await start();
    const { client, broker } = rig;
    const handled: Packet[] = [];
    let done = () => {};
    client.handleMessage = (packet, callback) => {
      handled.push(packet);
      done = callback;
    };
    const peer = await broker.connection(1);
    peer.send({ ...publish, qos: 1, messageId: 7 });
    await next(client, "packetreceive");
    while (handled.length === 0) await new Promise(setImmediate);
    assert.equal(
      peer.received.some(({ cmd }) => cmd === "puback"),
      false,
    );
    done();
    assert.equal((await peer.next("puback")).messageId, 7);
  });

  it("acknowledges nothing that handleMessage() fails, and reads what follows", async () => {
    await using rig = await start();
    const { client, broker } = rig;
    client.handleMessage = ({ messageId }, callback) =>
      callback(messageId === 7 ? new Error("not taken") : undefined);
    const peer = await broker.connection(1);
    peer.send({ ...publish, qos: 1, messageId: 7 });
    peer.send({ ...publish, qos: 1, messageId: 8 });
    assert.equal((await peer.next("puback")).messageId, 8);
  });

  it("sends PUBACK, PUBREC and PUBCOMP by _sendPacket() alone, and goes on when that calls back", async () => {
    await using rig = await start();
    const { client, broker } = rig;
    const held: string[] = [];
    (client as unknown as Sends)._sendPacket = ({ cmd, messageId }, done) => {
      held.push(`${cmd} ${messageId}`);
      done?.();
    };
    const peer = await broker.connection(1);
    peer.send({ ...publish, qos: 1, messageId: 7 });
    peer.send({ ...publish, qos: 2, messageId: 8 });
    peer.send({ cmd: "pubrel", messageId: 8 });
    peer.send({ cmd: "pubrel", messageId: 9 });
    while (held.length < 4) await new Promise(setImmediate);
    assert.deepEqual(held, ["puback 7", "pubrec 8", "pubcomp 8", "pubcomp 9"]);
    assert.ok(!peer.received.some(({ cmd }) => cmd.startsWith("pub")));
  });

  it("ignores acknowledgements that it does not expect, which are those of our own messages", async () => {
    await using rig = await start();
    const { client, broker } = rig;
    const errors: Error[] = [];
    client.on("error", (error) => errors.push(error));
    const peer = await broker.connection(1);
    for (const cmd of ["puback", "pubrec", "pubcomp"] as const)
      peer.send({ cmd, messageId: 9, reasonCode: 0 });
    peer.send({ ...publish, qos: 1, messageId: 10 });
    // Answered after those, and nothing was said to them.
    assert.equal((await peer.next("puback")).messageId, 10);
    assert.deepEqual([errors, client.connected], [[], true]);
    assert.deepEqual(
      peer.received.map(({ cmd }) => cmd),
      ["connect", "puback"],
    );
  });

  it("asks a store of incoming messages for put, get, del and close, and no more", async () => {
    const asked = new Set<string>();
    const kept = new IncomingStore();
    const incomingStore = new Proxy(kept, {
      get: (store, name) => {
        asked.add(String(name));
        const member: unknown = Reflect.get(store, name, store);
        return typeof member === "function" ? member.bind(store) : member;
      },
    }) as unknown as IStore;
    await using rig = await start({ incomingStore });
    const peer = await rig.broker.connection(1);
    peer.send({ ...publish, qos: 2, messageId: 5 });
    await peer.next("pubrec");
    peer.send({ cmd: "pubrel", messageId: 5 });
    await peer.next("pubcomp");
    rig.client.end(false);
    await next(rig.client, "end");
    assert.deepEqual([...asked].toSorted(), ["close", "del", "get", "put"]);
  });

  it("takes an object for timerVariant, and has no timer but that", async () => {
    const set: number[] = [];
    const timers = { set: (_call: () => void, ms: number) => set.push(ms), clear: () => {} };
    const timerVariant = timers as unknown as NonNullable<IClientOptions["timerVariant"]>;
    await using rig = await start({ timerVariant, keepalive: 4 });
    assert.equal(rig.client.connected, true);
    assert.deepEqual([...new Set(set)], [2_000]);
  });

  it("tells of a CONNACK by `packetreceive` before it is connected itself", async () => {
    const broker = await startScriptedBroker(accepts());
    await using _closing = broker;
    const stream = connect(broker.port, "127.0.0.1");
    const client = new mqtt.MqttClient(() => stream as never, { manualConnect: true, reconnectPeriod: 0 });
    client.connect();
    const packet = await next(client, "packetreceive");
    assert.deepEqual([packet.cmd, client.connected], ["connack", true]);
    stream.destroy();
  });

  it("destroys the stream before it tells why, where a topic alias is not known", async () => {
    await using rig = await start({ properties: { topicAliasMaximum: 10 } });
    const order: string[] = [];
    const destroy = rig.stream.destroy.bind(rig.stream);
    rig.stream.destroy = (error) => {
      order.push(`destroy(${error === undefined ? "" : "error"})`);
      return destroy(error);
    };
    rig.client.on("error", (error) => order.push(`error ${"code" in error ? String(error.code) : ""}`));
    const peer = await rig.broker.connection(1);
    peer.send({ ...publish, topic: "", qos: 0, properties: { topicAlias: 7 } });
    await next(rig.client, "close");
    assert.deepEqual(order, ["destroy()", "error 130"]);
  });

  it("reports what it cannot parse as an error without code, and leaves the stream open", async () => {
    await using rig = await start();
    const peer = await rig.broker.connection(1);
    const failed = next(rig.client, "error");
    peer.sendBytes(Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1]));
    const error = await failed;
    assert.equal("code" in error, false);
    assert.equal(rig.stream.destroyed, false);
  });

  it("does not close after a DISCONNECT of the broker's", async () => {
    await using rig = await start();
    const peer = await rig.broker.connection(1);
    const told = next(rig.client, "disconnect");
    peer.send({ cmd: "disconnect", reasonCode: 0x8b });
    const packet = await told;
    assert.equal(packet.reasonCode, 0x8b);
    assert.deepEqual([rig.stream.destroyed, rig.client.connected], [false, true]);
  });
});
