import assert from "node:assert/strict";
import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { headers, TimeoutError, type NatsConnection } from "@nats-io/nats-core";
import { Chain } from "../../src/store/jetstream-chain.ts";
import { StoreError } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

const refused = (code: number) =>
  new JetStreamApiError({ code: 400, err_code: code, description: "refused" });
/** Another write to the subject is on its way; it was another one's record that came there. */
const [underWay, wrongLast] = [refused(10_164), refused(10_071)];

/** What becomes of a record behind the record 5 when its attempts fail so, and the last one is looked at each time. */
async function fate(failures: readonly Error[], lasts: readonly { sequence: number; id: string }[]) {
  const [left, seen] = [[...failures], [...lasts]];
  const client = {
    publish: () => Promise.reject(left.shift() ?? new Error("It was tried once more")),
  } as unknown as JetStreamClient;
  const streams = {
    getMessage: async () => {
      const { sequence, id } = seen.shift() ?? { sequence: 6, id: "theirs" };
      const header = headers();
      header.set("Connack-Id", id);
      return { header, data: new Uint8Array(), seq: sequence };
    },
  };
  const manager = { streams } as unknown as JetStreamManager;
  const connection = {} as NatsConnection;
  const chain = new Chain(
    { connection, client, manager, stream: "s", subject: "s.0.log", node: "n" },
    () => {},
  );
  try {
    return await chain.append({ kind: "owner", id: "mine", more: false, data: new Uint8Array() }, 5);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error.kind;
  }
}

describe("Chain.append()", () => {
  const before = { sequence: 5, id: "before" };
  const theirs = { sequence: 6, id: "theirs" };

  it("is fenced, and not in doubt, where it was refused each time, first for a write that was on its way", async () => {
    assert.equal(await fate([underWay, wrongLast], [before, theirs]), "fenced");
    assert.equal(await fate([wrongLast], [theirs]), "fenced");
  });

  it("is in doubt where an attempt had no answer, and another one's record is last", async () => {
    assert.equal(await fate([new TimeoutError(), wrongLast], [theirs]), "unknown");
  });

  it("is there where an attempt had no answer, and its own record is last", async () => {
    assert.equal(await fate([new TimeoutError(), wrongLast], [{ sequence: 7, id: "mine" }]), 7);
  });
});
