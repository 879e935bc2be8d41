import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { systemClock } from "../../src/clock.ts";
import { readJwt } from "../../src/jwt-settings.ts";
import { parseSettings, SettingsError } from "../../src/settings.ts";
import { startApp } from "../support/app.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const names = { CONNACK_JWT_ISSUER: "https://id.example", CONNACK_JWT_AUDIENCE: "connack" };

function refusal(environment: Record<string, string>): string {
  try {
    readJwt(parseSettings(environment), systemClock);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.message;
  }
  return assert.fail(`taken: ${JSON.stringify(environment)}`);
}

describe("CONNACK_JWT_…", () => {
  it("are needed all together, with one place of keys", () => {
    const url = { CONNACK_JWT_JWKS_URL: "https://id.example/jwks" };
    assert.equal(readJwt(parseSettings({}), systemClock), null);
    assert.notEqual(readJwt(parseSettings({ ...url, ...names }), systemClock), null);
    for (const some of [
      url,
      names,
      { ...url, CONNACK_JWT_ISSUER: "x" },
      { ...url, CONNACK_JWT_AUDIENCE: "x" },
    ])
      assert.match(refusal(some), /all of them are needed, or none/);
    assert.match(refusal({ ...url, ...names, CONNACK_JWT_KEY_FILE: "/x" }), /only one of them/);
  });

  it("takes keys over https, or from this machine", () => {
    for (const url of ["http://127.0.0.1:9000/jwks", "http://localhost/jwks", "http://[::1]/jwks"])
      assert.equal(parseSettings({ ...names, CONNACK_JWT_JWKS_URL: url }).jwtJwksUrl, url);
    for (const url of ["http://id.example/jwks", "https://a:geheim@id.example/", "file:///etc/passwd", "x"]) {
      const message = refusal({ ...names, CONNACK_JWT_JWKS_URL: url });
      assert.match(message, /^CONNACK_JWT_JWKS_URL: expected an https URL/);
      assert.ok(!message.includes("geheim"));
    }
  });

  it("takes a shared secret only from a file that nobody else can read", () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "keys");
    const environment = { ...names, CONNACK_JWT_KEY_FILE: path };
    const k = Buffer.alloc(32, 7).toString("base64url");
    writeFileSync(path, JSON.stringify({ kty: "oct", k }), { mode: 0o644 });
    const message = refusal(environment);
    assert.ok(message.endsWith(`chmod 600 ${path}`) && !message.includes(k), message);
    writeFileSync(path, "{}");
    assert.match(refusal(environment), /^CONNACK_JWT_KEY_FILE=".*": is neither a JWK nor a JWKS/);
    assert.match(refusal({ ...names, CONNACK_JWT_KEY_FILE: join(directory.path, "none") }), /JWT_KEY_FILE=/);
  });

  it("let callers in by their claims", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "key.pem");
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    writeFileSync(path, await exportSPKI(publicKey), { mode: 0o644 });
    await using app = await startApp({
      ...{ ...names, CONNACK_JWT_KEY_FILE: path },
      CONNACK_JWT_TENANT_CLAIM: "org",
      CONNACK_JWT_SCOPE_CLAIM: "https://connack.example/scopes",
    });
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const token = await new SignJWT({
      org: "acme",
      exp,
      "https://connack.example/scopes": ["admin"],
      sub: "ann",
    })
      .setProtectedHeader({ alg: "ES256" })
      .setIssuer(names.CONNACK_JWT_ISSUER)
      .setAudience(names.CONNACK_JWT_AUDIENCE)
      .sign(privateKey);
    assert.equal((await app.call("GET", "/session")).status, 401);
    for (let times = 0; times < 2; times += 1) {
      const { body } = await app.call("GET", "/session", undefined, { authorization: `Bearer ${token}` });
      assert.deepEqual([body.tenant, body.scopes], ["acme", ["admin"]]);
      assert.equal(Date.parse(body.expiresAt), (exp + 30) * 1_000);
    }
    const made = await app.call(
      "POST",
      "/tokens",
      { name: "x", scopes: ["publish"] },
      {
        authorization: `Bearer ${token}`,
      },
    );
    assert.deepEqual([made.body.tenant, made.body.createdBy], ["acme", "jwt:ann"]);
  });
});
