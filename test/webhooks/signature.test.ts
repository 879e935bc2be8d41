import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { Secret } from "../../src/secret.ts";
import { generateSecret, secretProblem, signatureHeaders } from "../../src/webhooks/signature.ts";
import { describe, it } from "../support/test.ts";

const bytes = (length: number) => `whsec_${Buffer.alloc(length, 7).toString("base64")}`;

describe("secretProblem()", () => {
  for (const length of [24, 32, 64])
    it(`takes ${length} bytes`, () => assert.equal(secretProblem(bytes(length)), null));
  const wrong = [
    ...[bytes(23), bytes(65), bytes(32).slice(6), `WHSEC_${bytes(32).slice(6)}`, "whsec_", ""],
    ...[
      bytes(32).replace(/=$/, ""),
      bytes(32).replace("B", "-"),
      `${bytes(32)} `,
      "whsec_not base64 at all!",
    ],
  ];
  for (const text of wrong) {
    it(`does not take ${JSON.stringify(text)}, and does not repeat it`, () => {
      const problem = secretProblem(text);
      assert.match(problem ?? "", /^expected whsec_ and the base64 of 24 to 64 bytes/);
      if (text.length > 10) assert.ok(!problem?.includes(text.slice(6)));
    });
  }
});

describe("generateSecret()", () => {
  it("makes another one each time, which is shown to nobody", () => {
    const [a, b] = [generateSecret(), generateSecret()];
    assert.equal(secretProblem(a.reveal()), null);
    assert.notEqual(a.reveal(), b.reveal());
    assert.equal(JSON.stringify(a), '"***"');
  });
});

describe("signatureHeaders()", () => {
  const signed = { id: "msg_1", at: Date.now(), body: '{"é":"…"}' };

  it("is what the published library verifies, for each secret", () => {
    const [first, second] = [bytes(24), bytes(32)];
    const headers = signatureHeaders(signed, [new Secret(first), new Secret(second)]);
    assert.match(headers["webhook-signature"] ?? "", /^v1,\S+ v1,\S+$/);
    for (const secret of [first, second]) new Webhook(secret).verify(signed.body, headers);
    assert.throws(() => new Webhook(bytes(40)).verify(signed.body, headers));
    assert.throws(() => new Webhook(first).verify(`${signed.body} `, headers));
    assert.throws(() => new Webhook(first).verify(signed.body, { ...headers, "webhook-id": "msg_2" }));
  });

  it("is the example of the specification", () => {
    const secret = new Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const at = 1_614_265_330_000;
    const headers = signatureHeaders(
      { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body: '{"test": 2432232314}' },
      [secret],
    );
    assert.equal(headers["webhook-timestamp"], "1614265330");
    assert.equal(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });
});
