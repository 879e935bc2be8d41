import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { Problem } from "../src/problem.ts";
import { createSealer, plainSealer, SealError } from "../src/sealing.ts";
import { Secret } from "../src/secret.ts";
import { describe, it } from "./support/test.ts";

const keyOf = (fill: number) => new Secret<Uint8Array>(new Uint8Array(32).fill(fill));
const idOf = (fill: number) =>
  createHash("sha256").update(new Uint8Array(32).fill(fill)).digest("hex").slice(0, 8);

/** Why a text is not opened. */
async function whyNot(opening: Promise<string>): Promise<readonly [string, string | null]> {
  const error: unknown = await opening.then(
    (plain) => assert.fail(`opened: ${plain}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof SealError);
  assert.doesNotMatch(error.message, /geheim/);
  return [error.kind, error.keyId];
}

describe("createSealer()", () => {
  it("opens what it sealed, whatever the text and the context", async () => {
    const sealer = await createSealer([keyOf(1)]);
    const text = fc.string({ unit: "grapheme", maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(text, text, async (plain, context) => {
        assert.equal(await sealer.open(await sealer.seal(plain, context), context), plain);
      }),
    );
    for (const plain of ["", "\ufeffmark", "\u0000", "x".repeat(1_000_000)])
      assert.equal(await sealer.open(await sealer.seal(plain, ""), ""), plain);
  });

  it("never seals the same text twice into the same, and shows nothing of it but its size", async () => {
    const sealer = await createSealer([keyOf(1)]);
    const texts = await Promise.all(Array.from({ length: 100 }, () => sealer.seal("geheim", "a")));
    const nonces = texts.map((text) =>
      Buffer.from(text.split(":")[2] ?? "", "base64")
        .subarray(0, 12)
        .toString("hex"),
    );
    assert.equal(new Set(nonces).size, 100);
    assert.match(texts[0] ?? "", new RegExp(`^aes256gcm:${idOf(1)}:[A-Za-z0-9+/]+=*$`));
    assert.equal(Buffer.from(texts[0]?.split(":")[2] ?? "", "base64").byteLength, 12 + 6 + 16);
  });

  it("does not open for another context, or with another key of that name", async () => {
    const sealer = await createSealer([keyOf(1), keyOf(2)]);
    const sealed = await sealer.seal("geheim", "connection/a");
    assert.deepEqual(await whyNot(sealer.open(sealed, "connection/b")), ["damaged", idOf(1)]);
    const renamed = sealed.replace(idOf(1), idOf(2));
    assert.deepEqual(await whyNot(sealer.open(renamed, "connection/a")), ["damaged", idOf(2)]);
  });

  it("does not open what was changed, at any byte, or cut short", async () => {
    const sealer = await createSealer([keyOf(1)]);
    const [name, id, data = ""] = (await sealer.seal("geheim", "a")).split(":");
    const bytes = Buffer.from(data, "base64");
    for (const index of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const text = `${name}:${id}:${changed.toString("base64")}`;
      assert.deepEqual(await whyNot(sealer.open(text, "a")), ["damaged", idOf(1)], `byte ${index}`);
      const cut = `${name}:${id}:${bytes.subarray(0, index).toString("base64")}`;
      assert.equal((await whyNot(sealer.open(cut, "a")))[0], "damaged", `cut at ${index}`);
    }
    for (const text of ["", "geheim", "plain:geheim", `aes256gcm:${id}`, `aes256gcm:geheim12:${data}`])
      assert.deepEqual(await whyNot(sealer.open(text, "a")), ["damaged", null], text);
  });

  it("seals with the first key, opens with all, and says which texts are to be sealed anew", async () => {
    const old = await createSealer([keyOf(1)]);
    const sealed = await old.seal("geheim", "a");
    const both = await createSealer([keyOf(2), keyOf(1)]);
    assert.equal(await both.open(sealed, "a"), "geheim");
    assert.deepEqual([old.isCurrent(sealed), both.isCurrent(sealed)], [true, false]);
    const anew = await both.seal("geheim", "a");
    assert.equal(both.isCurrent(anew), true);
    const onlyNew = await createSealer([keyOf(2)]);
    assert.equal(await onlyNew.open(anew, "a"), "geheim");
    assert.deepEqual(await whyNot(onlyNew.open(sealed, "a")), ["unknown-key", idOf(1)]);
    assert.equal(onlyNew.isCurrent("plain:geheim"), false);
  });

  it("seals nothing without a key, and says what to do", async () => {
    const sealed = await (await createSealer([keyOf(1)])).seal("geheim", "a");
    const keyless = await createSealer([]);
    await assert.rejects(keyless.seal("geheim", "a"), (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual([error.code, error.status, error.retryable], ["secret-key-missing", 422, false]);
      assert.match(error.message, /CONNACK_SECRET_KEY or CONNACK_SECRET_KEY_FILE.*openssl rand -base64 32/);
      assert.doesNotMatch(error.message, /geheim/);
      return true;
    });
    assert.deepEqual(await whyNot(keyless.open(sealed, "a")), ["unknown-key", idOf(1)]);
    assert.equal(keyless.isCurrent(sealed), false);
  });

  it("takes no key of another size, and no text that it could not give back", async () => {
    for (const size of [0, 16, 24, 31, 33])
      await assert.rejects(createSealer([new Secret<Uint8Array>(new Uint8Array(size))]), /32 bytes/);
    const sealer = await createSealer([keyOf(1)]);
    await assert.rejects(sealer.seal("\ud800", "a"), /lone surrogate/);
  });
});

describe("plainSealer", () => {
  it("marks what it keeps as it is, and takes nothing else", async () => {
    const kept = await plainSealer.seal("geheim", "a");
    assert.equal(kept, "plain:geheim");
    assert.equal(await plainSealer.open(kept, "a"), "geheim");
    assert.equal(plainSealer.isCurrent(kept), true);
    const sealed = await (await createSealer([keyOf(1)])).seal("geheim", "a");
    assert.deepEqual(await whyNot(plainSealer.open(sealed, "a")), ["damaged", null]);
  });
});
