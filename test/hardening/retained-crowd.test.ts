import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { message } from "../support/publish-scripts.ts";
import { grant, openScripted, seenBy } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/retained?topic=r";
const copy = message("r", "kept", { retain: true });

describe("GET …/retained, by many at once", () => {
  itHolds("a read that comes while another one is let go leaves no subscription behind", async (rig) => {
    const { peer } = await openScripted(rig);
    const first = rig.call("GET", path);
    grant(peer, await peer.next("subscribe"));
    const second = rig.call("GET", path);
    const again = await peer.next("subscribe");
    // Both have this copy, and the first lets go as soon as the second has its turn.
    peer.send(copy);
    assert.equal((await first).text, "kept");
    const third = rig.call("GET", path);
    await seenBy(rig, peer);
    peer.answer("unsubscribe", ({ messageId = 0 }) =>
      peer.send({ cmd: "unsuback", messageId, granted: [0] }),
    );
    peer.answer("subscribe", (packet) => {
      grant(peer, packet);
      peer.send(copy);
    });
    grant(peer, again);
    assert.equal((await second).text, "kept");
    assert.equal((await third).text, "kept");
    await seenBy(rig, peer);
    assert.equal((await seenBy(rig, peer)).at(-1), "- r");
  });

  itHolds("a read whose copy came to another one, before SUBACK, asks for its own", async (rig) => {
    const { peer } = await openScripted(rig);
    const first = rig.call("GET", path);
    const asked = await peer.next("subscribe");
    // The standard lets it come before (§3.8.4).
    peer.send(copy);
    await seenBy(rig, peer);
    const second = rig.call("GET", path);
    await seenBy(rig, peer);
    grant(peer, asked);
    assert.equal((await first).text, "kept");
    const again = peer.next("subscribe");
    const left = peer.next("unsubscribe");
    const which = await Promise.race([again.then(() => "asked"), second.then(({ status }) => status)]);
    assert.equal(which, "asked");
    grant(peer, await again);
    peer.send(copy);
    assert.equal((await second).text, "kept");
    const { messageId = 0 } = await left;
    peer.send({ cmd: "unsuback", messageId, granted: [0] });
  });
});
