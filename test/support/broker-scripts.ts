import type { IConnackPacket, ISubscription, UserProperties } from "mqtt-packet";
import type { Script } from "./scripted-broker.ts";
import type { ScriptedPeer } from "./scripted-peer.ts";

type ConnackProperties = NonNullable<IConnackPacket["properties"]>;

/** What the standard lets a DISCONNECT of the broker carry. */
interface DisconnectProperties {
  readonly reasonString?: string;
  readonly serverReference?: string;
  readonly userProperties?: UserProperties;
}

/** Sends a CONNACK in the version of the client; properties go only into version 5. */
export function sendConnack(
  peer: ScriptedPeer,
  code = 0,
  properties: ConnackProperties = {},
  sessionPresent = false,
): void {
  peer.send(
    peer.protocolVersion === 5
      ? { cmd: "connack", reasonCode: code, sessionPresent, properties }
      : { cmd: "connack", returnCode: code, sessionPresent },
  );
}

export interface AcceptOptions {
  readonly sessionPresent?: boolean;
  /** The SUBACK's code for each subscription; the QoS that was asked for unless told. */
  readonly granted?: (subscription: ISubscription) => number;
}

/**
 * Accepts the CONNECT and answers PINGREQ, SUBSCRIBE, UNSUBSCRIBE and DISCONNECT from then on. PUBLISH is left
 * to whoever calls `peer.next("publish")`, or to `acknowledges()`. It ends with the CONNACK.
 */
export function accepts(properties: ConnackProperties = {}, options: AcceptOptions = {}): Script {
  return async (peer) => {
    await peer.next("connect");
    serve(peer, properties, options);
  };
}

function serve(peer: ScriptedPeer, properties: ConnackProperties, options: AcceptOptions): void {
  const granted = options.granted ?? (({ qos }: ISubscription) => qos);
  peer.answer("pingreq", () => peer.send({ cmd: "pingresp" }));
  peer.answer("subscribe", ({ messageId = 0, subscriptions }) => {
    peer.send({ cmd: "suback", messageId, granted: subscriptions.map(granted) });
  });
  peer.answer("unsubscribe", ({ messageId = 0, unsubscriptions }) => {
    peer.send({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => 0) });
  });
  peer.answer("disconnect", () => peer.end());
  sendConnack(peer, 0, properties, options.sessionPresent);
}

/** Does as `accepts()` and goes on with another script. */
export function acceptsThen(then: Script, properties: ConnackProperties = {}): Script {
  return async (peer) => {
    await accepts(properties)(peer);
    await then(peer);
  };
}

/** Answers each PUBLISH by its QoS with these codes, which version 3.1.1 cannot carry. */
export function acknowledges(
  peer: ScriptedPeer,
  codes: { readonly puback?: number; readonly pubrec?: number; readonly pubcomp?: number } = {},
): void {
  peer.answer("publish", ({ qos, messageId = 0 }) => {
    if (qos === 1) peer.send({ cmd: "puback", messageId, reasonCode: codes.puback ?? 0 });
    if (qos === 2) peer.send({ cmd: "pubrec", messageId, reasonCode: codes.pubrec ?? 0 });
  });
  peer.answer("pubrel", ({ messageId = 0 }) => {
    peer.send({ cmd: "pubcomp", messageId, reasonCode: codes.pubcomp ?? 0 });
  });
}

/** Refuses the CONNECT with this code of the client's version, then ends the connection. */
export function refuses(code: number, properties: ConnackProperties = {}): Script {
  return async (peer) => {
    await peer.next("connect");
    sendConnack(peer, code, properties);
    peer.end();
  };
}

/** Accepts 3.1.1 and answers version 5 as such a broker does: a CONNACK of version 3.1.1 with code 1. */
export function knowsOnly311(): Script {
  return async (peer) => {
    const { protocolVersion } = await peer.next("connect");
    if (protocolVersion !== 5) return serve(peer, {}, {});
    peer.protocolVersion = 4;
    sendConnack(peer, 1);
    peer.end();
  };
}

/** After the CONNACK, a DISCONNECT with this code, then FIN unless told to stay. Version 5 only. */
export function disconnects(
  code: number,
  properties: DisconnectProperties = {},
  afterwards: "end" | "stay" = "end",
): Script {
  return acceptsThen((peer) => {
    peer.send({ cmd: "disconnect", reasonCode: code, properties });
    if (afterwards === "end") peer.end();
  });
}

/** Plays the first script on the first connection and so on; the last one on all that follow. */
export function inTurn(first: Script, ...more: readonly Script[]): Script {
  return (peer) => {
    const script = peer.number === 1 ? first : (more[peer.number - 2] ?? more.at(-1) ?? first);
    return script(peer);
  };
}
