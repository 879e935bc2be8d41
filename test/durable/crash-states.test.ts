import assert from "node:assert/strict";
import {
  acknowledgements,
  durableScene,
  isIncoming,
  isMessage,
  logged,
  type DurableScene,
} from "../support/durable-scene.ts";
import { message } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe, it } from "../support/test.ts";

const publish = (peer: ScriptedPeer, qos: 1 | 2, dup = false) =>
  peer.send(message("t", "m", { qos, messageId: 7, dup }));
const release = (peer: ScriptedPeer) => peer.send({ cmd: "pubrel", messageId: 7 });

/** Brings `home` to the moment at which the process dies, with what it has acknowledged by then. */
type Until = (scene: DurableScene) => Promise<readonly string[]>;

/** What the broker does when the process is back, as the standard has it (MQTT 5 §4.4). */
type Afterwards = (peer: ScriptedPeer) => Promise<unknown>;

/** Held up, `send` leads to no acknowledgement. */
async function heldUp(
  { store, app, peer }: DurableScene,
  gate: "before" | "after",
  which: typeof isMessage,
  send: () => void,
): Promise<readonly string[]> {
  const held = store.hold(gate, which);
  send();
  await held;
  return acknowledgements(app, peer);
}

/** PUBLISH, PUBREC, PUBREL, up to where a test takes over. */
async function received(peer: ScriptedPeer): Promise<void> {
  publish(peer, 2);
  await peer.next("pubrec");
}

const publishAgain: Afterwards = async (peer) => {
  publish(peer, 1, true);
  await peer.next("puback");
};
const publishAndRelease: Afterwards = async (peer) => {
  publish(peer, 2, true);
  await peer.next("pubrec");
  release(peer);
  await peer.next("pubcomp");
};
const releaseAgain: Afterwards = async (peer) => {
  release(peer);
  await peer.next("pubcomp");
};
const nothing: Afterwards = async () => {};

interface Case {
  readonly name: string;
  readonly until: Until;
  /** What the broker has got by then. */
  readonly acknowledged: readonly string[];
  readonly afterwards: Afterwards;
  readonly times: number;
}

const cases: readonly Case[] = [
  {
    name: "QoS 1, between PUBLISH and commit: once",
    until: (scene) => heldUp(scene, "before", isMessage, () => publish(scene.peer, 1)),
    acknowledged: [],
    afterwards: publishAgain,
    times: 1,
  },
  {
    name: "QoS 1, between commit and PUBACK: twice, for the broker must send it again",
    until: (scene) => heldUp(scene, "after", isMessage, () => publish(scene.peer, 1)),
    acknowledged: [],
    afterwards: publishAgain,
    times: 2,
  },
  {
    name: "QoS 1, behind PUBACK: once",
    until: async ({ app, peer }) => {
      publish(peer, 1);
      await peer.next("puback");
      return acknowledgements(app, peer);
    },
    acknowledged: ["puback 7"],
    afterwards: nothing,
    times: 1,
  },
  {
    name: "QoS 2, between PUBLISH and commit: once",
    until: (scene) => heldUp(scene, "before", isIncoming, () => publish(scene.peer, 2)),
    acknowledged: [],
    afterwards: publishAndRelease,
    times: 1,
  },
  {
    name: "QoS 2, between commit and PUBREC: once",
    until: (scene) => heldUp(scene, "after", isIncoming, () => publish(scene.peer, 2)),
    acknowledged: [],
    afterwards: publishAndRelease,
    times: 1,
  },
  {
    name: "QoS 2, between PUBREC and PUBREL: once",
    until: async ({ app, peer }) => {
      await received(peer);
      return acknowledgements(app, peer);
    },
    acknowledged: ["pubrec 7"],
    afterwards: releaseAgain,
    times: 1,
  },
  {
    name: "QoS 2, PUBREC lost on its way: once",
    until: async ({ app, peer }) => {
      await received(peer);
      return acknowledgements(app, peer);
    },
    acknowledged: ["pubrec 7"],
    afterwards: publishAndRelease,
    times: 1,
  },
  {
    name: "QoS 2, between PUBREL and its commit: once",
    until: async (scene) => {
      await received(scene.peer);
      return heldUp(scene, "before", isMessage, () => release(scene.peer));
    },
    acknowledged: ["pubrec 7"],
    afterwards: releaseAgain,
    times: 1,
  },
  {
    name: "QoS 2, between that commit and PUBCOMP: once",
    until: async (scene) => {
      await received(scene.peer);
      return heldUp(scene, "after", isMessage, () => release(scene.peer));
    },
    acknowledged: ["pubrec 7"],
    afterwards: releaseAgain,
    times: 1,
  },
  {
    name: "QoS 2, PUBCOMP lost on its way: once",
    until: async ({ app, peer }) => {
      await received(peer);
      await releaseAgain(peer);
      return acknowledgements(app, peer);
    },
    acknowledged: ["pubrec 7", "pubcomp 7"],
    afterwards: releaseAgain,
    times: 1,
  },
];

for (const protocolVersion of ["5", "3.1.1"] as const) {
  describe(`S61: a message of MQTT ${protocolVersion} when the process dies`, () => {
    for (const { name, until, acknowledged, afterwards, times } of cases)
      it(name, async () => {
        const expiry = protocolVersion === "5" ? {} : { properties: undefined, clientId: "home" };
        await using scene = await durableScene({ protocolVersion, ...expiry });
        assert.deepEqual(await until(scene), acknowledged);
        const { app, peer } = await scene.crash();
        await afterwards(peer);
        await acknowledgements(app, peer);
        assert.deepEqual(
          await logged(app),
          Array.from({ length: times }, () => "m"),
        );
        // And the packet identifier is free: it is that of another message now.
        peer.send(message("t", "next", { qos: 2, messageId: 7 }));
        await peer.next("pubrec");
        await releaseAgain(peer);
        assert.equal((await logged(app)).at(-1), "next");
        assert.equal((await logged(app)).length, times + 1);
      });
  });
}
