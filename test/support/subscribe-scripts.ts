import assert from "node:assert/strict";
import type { ISubscribePacket } from "mqtt-packet";
import { sendConnack } from "./broker-scripts.ts";
import type { Rig } from "./invariants.ts";
import type { Script } from "./scripted-broker.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

/** Accepts as `accepts()` does, and leaves SUBSCRIBE, UNSUBSCRIBE and PUBLISH to the test. */
export function leavesSubscribing(options: { readonly sessionPresent?: boolean } = {}): Script {
  return async (peer) => {
    await peer.next("connect");
    peer.answer("pingreq", () => peer.send({ cmd: "pingresp" }));
    peer.answer("disconnect", () => peer.end());
    sendConnack(peer, 0, {}, options.sessionPresent ?? false);
  };
}

/** Answers a SUBSCRIBE; with the QoS that was asked for unless told. */
export function grant(
  peer: ScriptedPeer,
  { messageId = 0, subscriptions }: ISubscribePacket,
  code?: number,
): void {
  peer.send({ cmd: "suback", messageId, granted: subscriptions.map(({ qos }) => code ?? qos) });
}

/** Takes the next SUBSCRIBE and answers it; gives its filters. */
export async function grantNext(peer: ScriptedPeer, code?: number): Promise<string[]> {
  const packet = await peer.next("subscribe");
  grant(peer, packet, code);
  return packet.subscriptions.map(({ topic }) => topic);
}

/** Takes the next UNSUBSCRIBE and answers it; gives its filters. */
export async function releaseNext(peer: ScriptedPeer): Promise<string[]> {
  const { messageId = 0, unsubscriptions } = await peer.next("unsubscribe");
  peer.send({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => 0) });
  return unsubscriptions;
}

/** SUBSCRIBE and UNSUBSCRIBE packets so far, each as a line. */
export function subscribing(peer: ScriptedPeer): string[] {
  return peer.received.flatMap((packet) => {
    if (packet.cmd === "subscribe") return packet.subscriptions.map(({ topic, qos }) => `+ ${topic} ${qos}`);
    if (packet.cmd === "unsubscribe") return packet.unsubscriptions.map((topic) => `- ${topic}`);
    return [];
  });
}

const reconnect = { minDelayMs: 10, maxDelayMs: 20 };

/** Opens `home` on a scripted broker, and gives its first network connection. */
export async function openScripted(rig: Rig, script: Script = leavesSubscribing(), request: object = {}) {
  const broker = await rig.broker(script);
  const opened = await rig.open({ id: "home", url: broker.url, reconnect, ...request });
  assert.equal(opened.status, 201, opened.text);
  return { broker, peer: await broker.connection(1) };
}

/** What the broker has seen when all that was sent before is there. */
export async function seenBy(rig: Rig, peer: ScriptedPeer): Promise<string[]> {
  assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
  return subscribing(peer);
}
