import { acceptsThen, sendConnack } from "./broker-scripts.ts";
import type { Script } from "./scripted-broker.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

/** Reads everything and says nothing. */
export function silent(): Script {
  return (peer) => {
    peer.onBytes = () => {};
  };
}

/** FIN as soon as the connection is there. */
export function endsAtOnce(): Script {
  return (peer) => peer.end();
}

/** RST as soon as the connection is there. */
export function resetsAtOnce(): Script {
  return (peer) => peer.reset();
}

/** Reads the CONNECT and then sends FIN or RST instead of a CONNACK. */
export function dropsConnect(how: "end" | "reset"): Script {
  return async (peer) => {
    await peer.next("connect");
    peer[how]();
  };
}

/** Sends bytes of another protocol at once and ignores what comes. */
export function says(bytes: string | Buffer): Script {
  return (peer) => {
    peer.onBytes = () => {};
    peer.sendBytes(bytes);
  };
}

export const httpBanner = (): Script =>
  says("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nBAD-HTTP-PEER");

export const sshBanner = (): Script => says("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");

/** After the CONNACK, a PUBLISH with the reserved QoS 3. */
export const sendsMalformedPacket = (): Script =>
  acceptsThen((peer) => peer.sendBytes(Buffer.from([0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01])));

/** A PUBLISH with the CONNACK still to come. */
export function publishesBeforeConnack(topic = "early"): Script {
  return async (peer) => {
    await peer.next("connect");
    peer.send({ cmd: "publish", topic, payload: "early", qos: 0, dup: false, retain: false });
  };
}

export const sendsSecondConnack = (): Script => acceptsThen((peer) => sendConnack(peer));

/** A PUBLISH without a topic name whose alias was never announced; version 5 only. */
export function usesUnknownTopicAlias(topicAlias = 7): Script {
  return acceptsThen((peer) => {
    const flags = { qos: 0, dup: false, retain: false } as const;
    peer.send({ cmd: "publish", topic: "", payload: "x", ...flags, properties: { topicAlias } });
  });
}

/** As `floods()`, right behind the CONNACK. */
export const declares256MiB = (): Script => acceptsThen((peer) => floods(peer));

/**
 * A PUBLISH whose remaining length is the largest there is, 268,435,455 bytes, followed by as much payload as
 * the client takes.
 */
export async function floods(peer: ScriptedPeer, payloadBytes = 0xfff_ffff - 4): Promise<void> {
  peer.sendBytes(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x01, 0x61, 0x00]));
  const chunk = Buffer.alloc(65_536);
  for (let sent = 0; sent < payloadBytes && (await peer.flushed()); sent += chunk.length) {
    peer.sendBytes(chunk.subarray(0, payloadBytes - sent));
  }
}
