import assert from "node:assert/strict";
import { createServer } from "node:http";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type JWK,
  type JWTPayload,
} from "jose";
import { localAuthority, remoteAuthority, type JwtAuthority } from "../../src/access/jwt-authority.ts";
import { JwtTokens } from "../../src/access/jwt.ts";
import { parseJwtKeys } from "../../src/access/jwt-keys.ts";
import type { Principal } from "../../src/access/principal.ts";
import { startAccess, type TestAccess } from "../support/access.ts";
import { describe, it } from "../support/test.ts";

const issuer = "https://id.example";
const audience = "connack";
const hour = 3_600;
const soon = () => Math.floor(Date.now() / 1_000) + hour;

async function keysOf(alg: string, kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg, ...(kid === undefined ? {} : { kid }) };
  const sign = (claims: JWTPayload = {}, header: object = {}) =>
    new SignJWT({
      iss: issuer,
      aud: audience,
      sub: "ann",
      tenant: "acme",
      exp: soon(),
      scope: "publish",
      ...claims,
    })
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
      .sign(privateKey);
  return { publicKey, privateKey, jwk, sign };
}

const withKeys = (authority: JwtAuthority, wall: () => number = Date.now) =>
  startAccess({
    adminToken: null,
    wall,
    foreign: (expiry) =>
      new JwtTokens(
        { authority, issuer, audience, tenantClaim: "tenant", scopeClaim: "scope", wall },
        expiry,
      ),
  });

const local = (text: string, wall?: () => number) => withKeys(localAuthority(parseJwtKeys(text)), wall);

async function principalOf(access: TestAccess, text: string): Promise<Principal> {
  const found = await access.check(text);
  return typeof found === "object" ? found : assert.fail(found);
}

describe("JwtTokens", () => {
  it("takes one whose end is beyond all dates, and has one for it", async () => {
    const { jwk, sign } = await keysOf("ES256");
    await using access = await local(JSON.stringify(jwk));
    const end = access.endOf(await principalOf(access, await sign({ exp: 1e20 })));
    assert.ok(end !== null && end > Date.now());
    assert.equal(Number.isNaN(new Date(end).getTime()), false);
  });

  it("let in who has one of each algorithm, with a JWK, a JWKS or PEM", async () => {
    for (const alg of ["RS256", "PS256", "ES256", "EdDSA"]) {
      const { jwk, publicKey, sign } = await keysOf(alg);
      const text = await sign();
      for (const keys of [
        JSON.stringify(jwk),
        JSON.stringify({ keys: [jwk] }),
        await exportSPKI(publicKey),
      ]) {
        await using access = await local(keys);
        assert.equal(access.isOpen, false);
        const { id, tenant, scopes } = await principalOf(access, text);
        assert.deepEqual([id, tenant, [...scopes]], ["jwt:ann", "acme", ["publish"]], alg);
      }
    }
  });

  it("are known after the first time, and until they expire", async () => {
    let now = Date.now();
    const { jwk, sign } = await keysOf("ES256");
    await using access = await local(JSON.stringify(jwk), () => now);
    const text = await sign();
    const [first, second] = await Promise.all([principalOf(access, text), principalOf(access, text)]);
    assert.equal(first, second);
    assert.equal(access.check(text), first);
    const over = Promise.withResolvers<void>();
    first.tenure.onOver(() => over.resolve());
    now += (hour + 31) * 1_000;
    await over.promise;
    assert.equal(await access.check(text), "expired");
  });

  it("have scopes in a text or an array, of which unknown ones are ignored", async () => {
    const { jwk, sign } = await keysOf("ES256");
    await using access = await local(JSON.stringify(jwk));
    const scopesOf = async (scope: unknown) => [...(await principalOf(access, await sign({ scope }))).scopes];
    assert.deepEqual(await scopesOf("openid publish subscribe"), ["publish", "subscribe"]);
    assert.deepEqual(await scopesOf(["admin", 7, "email"]), ["admin"]);
    for (const none of ["", "PUBLISH", null, 7, { publish: true }])
      assert.deepEqual(await scopesOf(none), []);
    const sub = "ann\u001b[2J".repeat(20);
    assert.match((await principalOf(access, await sign({ sub }))).id, /^jwt:[0-9a-f]{16}$/);
  });

  it("let in nobody else", async () => {
    const { jwk, sign } = await keysOf("RS256");
    const other = await keysOf("RS256");
    await using access = await local(JSON.stringify(jwk));
    const good = await sign();
    await principalOf(access, good);
    const now = Math.floor(Date.now() / 1_000);
    const [header = "", payload = "", signature = ""] = good.split(".");
    // The public key as though it were a shared secret.
    const confused = await new SignJWT({ iss: issuer, aud: audience, tenant: "acme", exp: soon() })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    const none = new UnsecuredJWT({ iss: issuer, aud: audience, tenant: "acme", exp: soon() }).encode();
    const wrong: readonly (readonly [string, string, string?])[] = [
      ["of another issuer", await sign({ iss: "https://evil.example" })],
      ["for another audience", await sign({ aud: "other" })],
      ["without an audience", await sign({ aud: undefined as never })],
      ["signed by another", await other.sign()],
      ["alg none", none],
      ["alg none with a signature", `${none}${signature}`],
      ["alg HS256 with the public key", confused],
      ["without exp", await sign({ exp: undefined as never })],
      ["not yet valid", await sign({ nbf: now + 120 })],
      ["without a tenant", await sign({ tenant: undefined })],
      ["with a tenant that is none", await sign({ tenant: "../default" })],
      ["with several tenants", await sign({ tenant: ["default"] })],
      ["changed", `${header}.${payload.slice(0, -2)}AA.${signature}`],
      ["cut", good.slice(0, -5)],
      ["expired", await sign({ exp: now - 60 }), "expired"],
    ];
    for (const [what, text, refusal = "unknown"] of wrong)
      assert.equal(await access.check(text), refusal, what);
    assert.equal(
      typeof (await access.check(await sign({ exp: now - 20 }))),
      "object",
      "within the tolerance",
    );
  });

  it("can be signed with a shared secret by HS256, of 32 bytes and more", async () => {
    const bytes = new Uint8Array(32).fill(7);
    const jwk = (length: number) =>
      JSON.stringify({ kty: "oct", k: Buffer.from(bytes.subarray(0, length)).toString("base64url") });
    await using access = await local(jwk(32));
    const sign = (alg: string) =>
      new SignJWT({ iss: issuer, aud: audience, sub: "ann", tenant: "acme", exp: soon() })
        .setProtectedHeader({ alg })
        .sign(bytes);
    assert.equal((await principalOf(access, await sign("HS256"))).id, "jwt:ann");
    assert.throws(() => parseJwtKeys(jwk(31)), /31 bytes; at least 32/);
    const { sign: rsa } = await keysOf("RS256");
    assert.equal(await access.check(await rsa()), "unknown");
  });

  it("are checked with each of several keys where they name none", async () => {
    const first = await keysOf("ES256");
    const second = await keysOf("ES256");
    const stranger = await keysOf("ES256");
    await using access = await local(JSON.stringify({ keys: [first.jwk, second.jwk] }));
    await principalOf(access, await first.sign());
    await principalOf(access, await second.sign());
    assert.equal(await access.check(await stranger.sign()), "unknown");
  });
});

describe("parseJwtKeys()", () => {
  it("takes no private key, and repeats nothing of it", async () => {
    const { privateKey } = await keysOf("ES256");
    const jwk = await exportJWK(privateKey);
    for (const text of [
      JSON.stringify(jwk),
      "-----BEGIN PRIVATE KEY-----\nZ2VoZWlt\n-----END PRIVATE KEY-----",
      "{",
      "{}",
      "[]",
      '{"keys": []}',
      "-----BEGIN PUBLIC KEY-----\nZ2VoZWlt\n-----END PUBLIC KEY-----",
      "geheim",
    ])
      assert.throws(
        () => parseJwtKeys(text),
        (error) =>
          error instanceof Error &&
          !error.message.includes("Z2VoZWlt") &&
          !error.message.includes(jwk.d ?? "?"),
        text,
      );
  });
});

/** Keys at an address, which the test changes. */
async function keyServer() {
  const state = { keys: [] as JWK[], status: 200, fetched: 0, padding: 0 };
  const server = createServer((_, response) => {
    state.fetched += 1;
    response.writeHead(state.status, { "content-type": "application/json" });
    response.end(" ".repeat(state.padding) + JSON.stringify({ keys: state.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    state,
    url: `http://127.0.0.1:${port}/jwks`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

describe("CONNACK_JWT_JWKS_URL", () => {
  const times = { cooldownMs: 0, cacheMs: 600_000, timeoutMs: 5_000 };

  it("is asked for keys that are not known yet, and not for those that are", async () => {
    await using server = await keyServer();
    const first = await keysOf("ES256", "2026-1");
    const second = await keysOf("ES256", "2026-2");
    server.state.keys = [first.jwk];
    await using access = await withKeys(remoteAuthority(server.url, times));
    await principalOf(access, await first.sign());
    await principalOf(access, await first.sign({ sub: "bob" }));
    assert.equal(server.state.fetched, 1);
    assert.equal(await access.check(await second.sign()), "unknown");
    server.state.keys = [second.jwk];
    await principalOf(access, await second.sign());
    assert.equal(await access.check(await first.sign({ sub: "eve" })), "unknown");
  });

  it("is not asked again and again for keys that nobody has", async () => {
    await using server = await keyServer();
    const known = await keysOf("ES256", "known");
    const unknown = await keysOf("ES256", "unknown");
    server.state.keys = [known.jwk];
    await using access = await withKeys(remoteAuthority(server.url, { ...times, cooldownMs: 60_000 }));
    await principalOf(access, await known.sign());
    for (const sub of ["a", "b", "c"])
      assert.equal(await access.check(await unknown.sign({ sub })), "unknown");
    assert.equal(server.state.fetched, 1);
  });

  it("is not read further than keys can be long", async () => {
    await using server = await keyServer();
    const { jwk, sign } = await keysOf("ES256", "a");
    server.state.keys = [jwk];
    server.state.padding = 2_000_000;
    await using access = await withKeys(remoteAuthority(server.url, times));
    const text = await sign();
    await assert.rejects(async () => access.check(text), { code: "authority-unavailable" });
    server.state.padding = 1_000_000;
    assert.equal((await principalOf(access, text)).id, "jwt:ann");
  });

  it("that does not answer is told as such, and tried again", async () => {
    await using server = await keyServer();
    const { jwk, sign } = await keysOf("ES256", "a");
    server.state.keys = [jwk];
    server.state.status = 503;
    await using access = await withKeys(remoteAuthority(server.url, times));
    const text = await sign();
    await assert.rejects(async () => access.check(text), { code: "authority-unavailable" });
    server.state.status = 200;
    assert.equal((await principalOf(access, text)).id, "jwt:ann");
    await using nobody = await withKeys(remoteAuthority("http://127.0.0.1:1/jwks", times));
    await assert.rejects(async () => nobody.check(text), { code: "authority-unavailable" });
  });
});
