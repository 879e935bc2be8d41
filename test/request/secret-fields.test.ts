import assert from "node:assert/strict";
import { inspect } from "node:util";
import { connectionRequestSchema } from "../../src/request/connection-request.ts";
import { reconnectFields } from "../../src/request/schema.ts";
import { displayUrl } from "../../src/request/target.ts";
import { parseSettings } from "../../src/settings.ts";
import { webhookRequestSchema } from "../../src/webhooks/webhook.ts";
import { credentialsOf } from "../../routes/credentials.ts";
import { canary, canaryOfBytes, found, type Canary } from "../support/canary.ts";
import { makeCertificates } from "../support/certificates.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

/** All that shows of a value to whoever does not ask for it. */
function shown(value: unknown): string {
  const options = { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null };
  return [
    JSON.stringify(value),
    inspect(value, options),
    inspect(value, { ...options, customInspect: false }),
    inspect(structuredClone(value), options),
    Object.values(value as object).join(),
  ].join("\n");
}

const parse = (body: object) => connectionRequestSchema.parse(body).request;

describe("past the door, a secret is wrapped", () => {
  it("in a connection request: credentials, headers, authentication data", () => {
    const names = ["username", "password", "header", "authentication data"] as const;
    const [username, password, header, data] = names.map((name) => canary(name, "plain")) as [
      Canary,
      Canary,
      Canary,
      Canary,
    ];
    const request = parse({
      url: "wss://h/mqtt",
      username: username.text,
      password: password.text,
      websocket: { headers: { Authorization: header.text } },
      properties: { authenticationMethod: "m", authenticationData: data.text },
    });
    assert.deepEqual(found([username, password, header, data], shown(request)), []);
    assert.equal(request.username?.reveal(), username.text);
    assert.equal(Buffer.from(request.properties?.authenticationData?.reveal() ?? []).toString(), data.text);
  });

  it("in the URL, and there is none left in the target but the query, which is not displayed", () => {
    const [username, password, query] = ["username", "password", "query"].map((name) =>
      canary(name, "plain"),
    ) as [Canary, Canary, Canary];
    const request = parse({ url: `wss://${username.text}:${password.text}@h/mqtt?sig=${query.text}` });
    assert.deepEqual(found([username, password], shown(request)), []);
    assert.equal(displayUrl(request.target), "wss://h:443/mqtt?***");
  });

  it(
    "a private key, and its passphrase is gone",
    async () => {
      const { client } = await makeCertificates();
      const lines = client.key.split("\n").slice(1, -2);
      const key = canaryOfBytes("key", Buffer.from(lines[0] ?? ""), client.key);
      assert.equal(found([key], client.key).length > 0, true);
      const request = parse({
        url: "mqtts://h",
        tls: { cert: client.cert, key: client.key, passphrase: "p" },
      });
      assert.deepEqual(found([key], shown(request)), []);
      assert.ok(request.tls !== undefined && !("passphrase" in request.tls));
    },
    { skip: needs("openssl") },
  );

  it("in new credentials, a webhook and the settings", () => {
    const [username, password] = ["username", "password"].map((name) => canary(name)) as [Canary, Canary];
    const fields = reconnectFields.parse({ username: username.text, password: password.text });
    const credentials = credentialsOf(fields, parse({ url: "mqtt://h" }));
    assert.deepEqual(found([username, password], shown(credentials)), []);
    const bytes = Buffer.alloc(32, "connack");
    const secret = canaryOfBytes("secret", bytes, bytes.toString("base64"));
    const hook = { url: "http://h/", events: ["*"], secret: `whsec_${secret.text}` };
    assert.deepEqual(found([secret], shown(webhookRequestSchema.parse(hook))), []);
    assert.deepEqual(found([secret], shown(parseSettings({ CONNACK_SECRET_KEY: secret.text }))), []);
  });
});
