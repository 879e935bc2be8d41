import assert from "node:assert/strict";
import type { IPublishPacket, Packet } from "mqtt";
import { IncomingStore } from "../../src/broker/incoming-store.ts";
import { describe, it } from "../support/test.ts";

const packet: IPublishPacket = {
  cmd: "publish",
  topic: "t",
  payload: Buffer.from("x"),
  qos: 2,
  dup: false,
  retain: false,
  messageId: 1,
};

const nothing = () => {};

function find(store: IncomingStore): Packet | undefined {
  let found: Packet | undefined;
  store.get(packet, (_error, kept) => (found = kept));
  return found;
}

describe("IncomingStore", () => {
  it("del() does not lose a packet that was put back, since its release could not be kept", () => {
    const store = new IncomingStore(undefined, { put: nothing, clear: nothing });
    store.put(packet, nothing);
    const putBack = store.release(1);
    assert.equal(find(store), undefined);
    // mqtt.js waits for room after that, and deletes only then.
    putBack();
    store.del(packet, nothing);
    assert.notEqual(find(store), undefined);
  });

  it("del() deletes where nothing outlives the process", () => {
    const store = new IncomingStore();
    store.put(packet, nothing);
    store.del(packet, nothing);
    assert.equal(find(store), undefined);
  });
});
