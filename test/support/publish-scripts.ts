import type { IPublishPacket, Packet } from "mqtt-packet";
import { accepts, type AcceptOptions } from "./broker-scripts.ts";
import type { Script } from "./scripted-broker.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

/** CONNACK properties, and whether the broker says that it kept the session. */
export interface Session extends AcceptOptions {
  readonly connack?: Parameters<typeof accepts>[0];
}

/** Accepts as `accepts()` does and goes on with another script. */
export function opens(session: Session, then: Script = () => {}): Script {
  return async (peer) => {
    const { connack = {}, ...options } = session;
    await accepts(connack, options)(peer);
    await then(peer);
  };
}

/** Accepts with a session that was kept. */
export function resumes(then: Script, connack: Session["connack"] = {}): Script {
  return opens({ sessionPresent: true, connack }, then);
}

/** What an acknowledgement says in version 5. */
export interface Word {
  readonly reasonCode: number;
  readonly reasonString?: string;
}

export type AckPacket = "puback" | "pubrec" | "pubcomp";

/** Sends an acknowledgement; before version 5 without its words. */
export function acknowledge(peer: ScriptedPeer, cmd: AckPacket, messageId: number, word?: Word): void {
  const { reasonCode = 0, reasonString } = word ?? {};
  const properties = reasonString === undefined ? {} : { properties: { reasonString } };
  peer.send({ cmd, messageId, reasonCode, ...properties });
}

/** Answers every PUBLISH and PUBREL with these words, and with success where there are none. */
export function acknowledgesWith(peer: ScriptedPeer, words: Partial<Record<AckPacket, Word>> = {}): void {
  peer.answer("publish", ({ qos, messageId = 0 }) => {
    if (qos === 1) acknowledge(peer, "puback", messageId, words.puback);
    if (qos === 2) acknowledge(peer, "pubrec", messageId, words.pubrec);
  });
  peer.answer("pubrel", ({ messageId = 0 }) => acknowledge(peer, "pubcomp", messageId, words.pubcomp));
}

/** Every PUBLISH that came, in order, those that were answered too. */
export function publishesAt(peer: ScriptedPeer): IPublishPacket[] {
  return peer.received.filter((packet: Packet) => packet.cmd === "publish");
}

/** A PUBLISH as a line: its payload, packet identifier and whether it was sent before. */
export function line({ payload, messageId, dup }: IPublishPacket): string {
  return `${payload.toString()} #${messageId}${dup ? " dup" : ""}`;
}

/** A PUBLISH of the broker's, at QoS 0 unless told. */
export function message(
  topic: string,
  payload: string | Buffer,
  fields: Partial<IPublishPacket> = {},
): IPublishPacket {
  return { cmd: "publish", topic, payload, qos: 0, dup: false, retain: false, ...fields };
}
