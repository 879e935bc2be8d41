import assert from "node:assert/strict";
import { startApp, type TestApp } from "./app.ts";
import { accepts } from "./broker-scripts.ts";
import { inState } from "./durable-app.ts";
import { RiggedStore, type Which } from "./rigged-store.ts";
import { startScriptedBroker, type Script, type ScriptedBroker } from "./scripted-broker.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

/** A durable connection `home` that keeps its messages, on a store and a broker that the test plays. */
export interface DurableScene extends AsyncDisposable {
  readonly broker: ScriptedBroker;
  readonly store: RiggedStore;
  readonly app: TestApp;
  /** The broker's side of its first network connection. */
  readonly peer: ScriptedPeer;
  /** The process dies, and another one goes on with what is on disk; with the broker's side of its network connection. */
  crash(): Promise<{ readonly app: TestApp; readonly peer: ScriptedPeer }>;
  /** The process dies, and another one goes on, whether with `home` or without. */
  restart(): Promise<TestApp>;
}

/** A broker that is silent, since the test plays it, is not waited for. */
const brief = { CONNACK_SHUTDOWN_GRACE_MS: "100" };

/** `script` is what the broker does with every network connection, by default one that finds its session kept. */
export async function durableScene(
  request: object = {},
  script: Script = (peer) => accepts({}, { sessionPresent: peer.number > 1 })(peer),
): Promise<DurableScene> {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await startScriptedBroker(script));
  const store = new RiggedStore();
  const app = opened.use(await startApp(brief, { store }));
  const put = await app.call("PUT", "/connections/home", {
    url: broker.url,
    cleanStart: false,
    properties: { sessionExpiryInterval: 3_600 },
    // Whoever died is not to come back in between.
    reconnect: { minDelayMs: 60_000 },
    log: { durable: true },
    ...request,
  });
  assert.equal(put.status, 201, put.text);
  const peer = await broker.connection(1);
  const all = opened.move();
  let current = store;
  const restart = async () => {
    current.crash();
    for (const each of broker.peers) each.reset();
    current = new RiggedStore(current);
    return all.use(await startApp(brief, { store: current }));
  };
  return {
    broker,
    store,
    app,
    peer,
    async crash() {
      const next = await restart();
      await inState(next, "home", "connected");
      return { app: next, peer: await broker.connection(2) };
    },
    restart,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A commit that puts a message into a log. */
export const isMessage: Which = (changes) =>
  changes.some(
    (change) => change.type === "append" && change.logs.some((name) => name.startsWith("messages/")),
  );

/** A commit that keeps a QoS 2 message which is not released yet. */
export const isIncoming: Which = (changes) =>
  changes.some((change) => change.type === "put" && change.space.startsWith("incoming/"));

/** Acknowledgements that the broker has got, in order. */
export function acknowledged(peer: ScriptedPeer): string[] {
  return peer.received.flatMap((packet) =>
    packet.cmd === "puback" || packet.cmd === "pubrec" || packet.cmd === "pubcomp"
      ? [`${packet.cmd} ${packet.messageId}`]
      : [],
  );
}

/** The same, when all that were sent before are there. */
export async function acknowledgements(app: TestApp, peer: ScriptedPeer): Promise<string[]> {
  const ping = await app.call("POST", "/connections/home/ping");
  assert.equal(ping.status, 200, ping.text);
  return acknowledged(peer);
}

/** The payloads in the log of `home`. */
export async function logged(app: TestApp): Promise<string[]> {
  const { body } = await app.call("GET", "/connections/home/messages");
  return body.items.map(({ payload }: { payload: string }) => payload);
}
