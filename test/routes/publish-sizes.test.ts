import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publishJson } from "../support/message-calls.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

const environment = () => ({ CONNACK_MAX_PAYLOAD_BYTES: "1000", CONNACK_MAX_BODY_BYTES: "2000" });

function assertTooLarge(answer: Answer, name: string, value: number): void {
  assertProblem(answer, 413, "content-too-large");
  assert.deepEqual(answer.body.limit, { name, value });
}

describe("MAX_PAYLOAD_BYTES", () => {
  itHolds(
    "bounds a raw body, with a length and without",
    async (rig) => {
      const peer = await openHome(rig);
      for (const make of [
        (n: number) => Buffer.alloc(n, 1),
        (n: number) => new Blob([Buffer.alloc(n, 1)]).stream(),
      ]) {
        assert.equal((await post(rig, "?topic=a&qos=1", make(1_000))).status, 200);
        assertTooLarge(await post(rig, "?topic=a&qos=1", make(1_001)), "CONNACK_MAX_PAYLOAD_BYTES", 1_000);
      }
      assert.deepEqual(
        publishesAt(peer).map(({ payload }) => payload.length),
        [1_000, 1_000],
      );
    },
    { environment },
  );

  itHolds(
    "bounds the decoded payload in JSON, each of an array by itself; the body has a limit of its own",
    async (rig) => {
      await openHome(rig);
      const base64 = (bytes: number) => ({
        topic: "a",
        qos: 1,
        payload: Buffer.alloc(bytes).toString("base64"),
        payloadEncoding: "base64",
      });
      assert.equal((await publishJson(rig, base64(1_000))).status, 200);
      assertTooLarge(await publishJson(rig, base64(1_001)), "CONNACK_MAX_PAYLOAD_BYTES", 1_000);
      const { status, body } = await publishJson(rig, [base64(1_001), { topic: "a" }]);
      assert.equal(status, 207);
      assert.deepEqual(body.results[0].limit, { name: "CONNACK_MAX_PAYLOAD_BYTES", value: 1_000 });
      assert.deepEqual([body.results[0].status, body.results[1].status], [413, 202]);
      assertTooLarge(await publishJson(rig, base64(2_000)), "CONNACK_MAX_BODY_BYTES", 2_000);
    },
    { environment },
  );

  itHolds(
    "0 leaves empty payloads",
    async (rig) => {
      await openHome(rig);
      assert.equal((await post(rig, "?topic=a", Buffer.alloc(0))).status, 202);
      assertTooLarge(await post(rig, "?topic=a", Buffer.alloc(1)), "CONNACK_MAX_PAYLOAD_BYTES", 0);
    },
    { environment: () => ({ CONNACK_MAX_PAYLOAD_BYTES: "0" }) },
  );

  itHolds("1 MiB fits as base64 into the body that is read unless told", async (rig) => {
    const peer = await openHome(rig);
    const bytes = Buffer.alloc(1_048_576, 0xfe);
    const message = { topic: "a", qos: 1, payload: bytes.toString("base64"), payloadEncoding: "base64" };
    assert.equal((await publishJson(rig, message)).status, 200);
    assert.ok(bytes.equals(publishesAt(peer)[0]?.payload as Buffer));
  });
});
