import type { IPublishPacket } from "mqtt-packet";
import type { Answer } from "./app.ts";
import type { Rig } from "./invariants.ts";
import { acknowledgesWith, opens, publishesAt } from "./publish-scripts.ts";
import { knowsOnly311 } from "./broker-scripts.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

/** Opens the connection `home` to a broker that acknowledges all. */
export async function openHome(rig: Rig, request: object = {}): Promise<ScriptedPeer> {
  const broker = await rig.broker(
    "protocolVersion" in request
      ? async (peer) => {
          await knowsOnly311()(peer);
          acknowledgesWith(peer);
        }
      : opens({}, (peer) => acknowledgesWith(peer)),
  );
  const opened = await rig.open({ id: "home", url: broker.url, ...request });
  if (opened.status !== 201) throw new Error(opened.text);
  return broker.connection(1);
}

/** `POST /connections/home/publish` with exactly these headers and this body. */
export async function post(
  rig: Rig,
  query: string,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${rig.app.url}/connections/home/publish${query}`, {
    method: "POST",
    headers,
    body,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === "" ? null : JSON.parse(text),
  };
}

/** The PUBLISH that the broker got of a raw publish at QoS 1, with `hello` as payload. */
export async function published(
  rig: Rig,
  peer: ScriptedPeer,
  query: string,
  headers: Record<string, string> = {},
): Promise<IPublishPacket> {
  const before = publishesAt(peer).length;
  const answer = await post(rig, `?topic=a&qos=1${query}`, Buffer.from("hello"), headers);
  const packet = publishesAt(peer)[before];
  if (answer.status !== 200 || packet === undefined) throw new Error(answer.text);
  return packet;
}
