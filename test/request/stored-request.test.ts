import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  connectionRequestSchema,
  fingerprint,
  type ConnectionRequest,
} from "../../src/request/connection-request.ts";
import { fromStored, toStored, UnreadableRequest } from "../../src/request/stored-request.ts";
import { createSealer, plainSealer, SealError, type Sealer } from "../../src/sealing.ts";
import { Secret } from "../../src/secret.ts";
import { makeCertificates } from "../support/certificates.ts";
import { needs } from "../support/needs.ts";
import { requestBodies, parsedTls } from "../support/request-bodies.ts";
import { describe, it } from "../support/test.ts";

const key = new Secret<Uint8Array>(new Uint8Array(32).fill(7));
const context = "connection/a";

const store = (request: ConnectionRequest, sealer: Sealer) =>
  toStored(request, (plain) => sealer.seal(plain, context));
const restore = (text: string, sealer: Sealer) => fromStored(text, (sealed) => sealer.open(sealed, context));

const requestOf = (body: object): ConnectionRequest => connectionRequestSchema.parse(body).request;

/** A value with its types in sight, and without its undefined members. */
function shape(value: unknown): unknown {
  if (value instanceof Secret) return { secret: shape(value.reveal()) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => [name, shape(each)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

async function assertLossless(request: ConnectionRequest, sealer: Sealer): Promise<void> {
  const restored = await restore(await store(request, sealer), sealer);
  assert.deepEqual(shape(restored), shape(request));
  assert.equal(fingerprint(restored), fingerprint(request));
}

const will = {
  topic: "wills/a",
  payload: { reason: "gone" },
  payloadEncoding: "json",
  qos: 2,
  retain: true,
  properties: {
    willDelayInterval: 5,
    payloadFormatIndicator: 1,
    messageExpiryInterval: 60,
    contentType: "application/json",
    responseTopic: "r",
    correlationData: { base64: "AAECA//+" },
    userProperties: { a: "1", b: ["2", "3"] },
  },
};
const properties = {
  sessionExpiryInterval: 4_294_967_295,
  receiveMaximum: 20,
  maximumPacketSize: 1_000,
  topicAliasMaximum: 0,
  requestResponseInformation: true,
  requestProblemInformation: false,
  userProperties: { bytes: "AAAA", secret: "x", at: ["tree", "pieces"] },
  authenticationMethod: "SCRAM-SHA-1",
  authenticationData: { base64: "/wABgA==" },
};
const subscriptions = [
  { topicFilter: "a/#", qos: 2, noLocal: true, retainAsPublished: false, retainHandling: 2 },
  { topicFilter: "$share/g/b/+", subscriptionIdentifier: 268_435_455, userProperties: { k: ["v", "v"] } },
  { topicFilter: "c" },
];

/** Bodies of requests, and whether they have secrets. */
const table: readonly (readonly [string, object, boolean])[] = [
  ["the least", { url: "mqtt://broker.example" }, false],
  ["credentials", { host: "::1", username: "", password: "pass" }, true],
  ["a username alone", { url: "mqtt://broker.example", username: "u" }, true],
  ["credentials in the URL", { url: "mqtts://u%40:p%2F@broker.example:1/" }, true],
  [
    "a password of bytes",
    { host: "h", username: "u", password: "AP8BgAoN", passwordEncoding: "base64" },
    true,
  ],
  ["an empty password", { host: "h", username: "u", password: "" }, true],
  ["a will", { host: "h", will }, false],
  ["a will of bytes", { host: "h", will: { topic: "w", payload: "AP8=", payloadEncoding: "base64" } }, false],
  ["an empty will", { host: "h", will: { topic: "w" } }, false],
  ["CONNECT properties", { host: "h", properties }, true],
  ["no secret property", { host: "h", properties: { userProperties: { token: "t" } } }, false],
  ["WebSocket", { url: "ws://h/mqtt", websocket: { protocol: "mqttv3.1" } }, false],
  ["headers", { url: "wss://h/", websocket: { headers: { Authorization: "Bearer t", "x-a": "" } } }, true],
  ["a header with an odd name", { url: "ws://h", websocket: { headers: { constructor: "v" } } }, true],
  ["a signed path", { url: "wss://h/mqtt?X-Amz-Signature=abc" }, true],
  ["a path in parts", { host: "h", transport: "ws", path: "/a?b" }, true],
  ["TLS without a key", { url: "mqtts://h", tls: { verify: false, alpnProtocols: ["mqtt"] } }, false],
  ["subscriptions", { host: "h", subscriptions }, false],
  ["labels", { host: "h", labels: { "a/b": "1", null: "" }, clientId: "" }, false],
  [
    "all options",
    {
      host: "h",
      port: 1,
      clientId: "ü\u{1f600}",
      cleanStart: false,
      keepAlive: 0,
      bindAddress: "::1",
      connectTimeoutMs: 100,
      reconnect: { enabled: false, maxAttempts: 3 },
      log: { messages: 0, bytes: 0 },
      idleTtlMs: 1_000,
    },
    false,
  ],
  ...["3.1", "3.1.1", "5", "auto"].map(
    (protocolVersion) => [`version ${protocolVersion}`, { host: "h", protocolVersion }, false] as const,
  ),
];

describe("toStored() and fromStored()", () => {
  for (const [name, body, hasSecret] of table) {
    it(`keep ${name}, ${hasSecret ? "sealed" : "without a key"}`, async () => {
      const request = requestOf(body);
      await assertLossless(request, await createSealer([key]));
      await assertLossless(request, plainSealer);
      const keyless = await createSealer([]);
      if (hasSecret) await assert.rejects(store(request, keyless), { code: "secret-key-missing" });
      else await assertLossless(request, keyless);
    });
  }

  it(
    "keep a TLS key, and the certificates as they are",
    async () => {
      const { ca, client } = await makeCertificates();
      const tls = { ca: ca.cert, cert: client.cert, key: client.key, serverName: "h" };
      const request = requestOf({ url: "mqtts://h", tls });
      const sealer = await createSealer([key]);
      await assertLossless(request, sealer);
      const text = await store(request, sealer);
      for (const line of client.key.split("\n").filter((line) => line.length > 10 && !line.startsWith("-")))
        assert.ok(!text.includes(line));
    },
    { skip: needs("openssl") },
  );

  it("lose nothing of any request", async () => {
    const sealer = await createSealer([key]);
    await fc.assert(
      fc.asyncProperty(requestBodies, parsedTls, async (body, tls) => {
        const parsed = connectionRequestSchema.safeParse(body);
        fc.pre(parsed.success);
        const { request } = parsed.data;
        await assertLossless(tls === undefined ? request : { ...request, tls }, sealer);
      }),
      { numRuns: 300 },
    );
  });

  it("seal once, whatever the number of secrets", async () => {
    let calls = 0;
    const seal = (plain: string) => {
      calls += 1;
      return Promise.resolve(plain);
    };
    const headers = { a: "1", b: "2" };
    await toStored(requestOf({ url: "ws://u:p@h/?q", properties, websocket: { headers } }), seal);
    assert.equal(calls, 1);
    await toStored(requestOf({ url: "ws://h/", will }), seal);
    assert.equal(calls, 1);
  });

  it("let no secret be found in the text, in any encoding", async () => {
    const secrets = {
      username: "kanarienvogel-user",
      password: "kanarienvogel-pass",
      header: "kanarienvogel-head",
      authentication: "kanarienvogel-auth",
      query: "kanarienvogel-query",
    };
    const request = requestOf({
      url: `wss://h/mqtt?token=${secrets.query}`,
      username: secrets.username,
      password: secrets.password,
      websocket: { headers: { authorization: secrets.header } },
      properties: { authenticationMethod: "m", authenticationData: secrets.authentication },
      will: { topic: "w", payload: "not a secret" },
    });
    const withKey = { ...request, tls: { verify: true, key: new Secret("kanarienvogel-key") } };
    const text = await store(withKey, await createSealer([key]));
    assert.ok(text.includes(Buffer.from("not a secret").toString("base64")));
    for (const secret of [...Object.values(secrets), "kanarienvogel-key"])
      for (const form of encodings(secret)) assert.ok(!text.includes(form), `${secret} as ${form}`);
    // What would be found if it were there.
    const open = await store(withKey, plainSealer);
    for (const secret of [...Object.values(secrets), "kanarienvogel-key"])
      assert.ok(
        encodings(secret).some((form) => open.includes(form)),
        secret,
      );
  });

  it("tie the secrets to the rest: nobody is sent a password by changing the address", async () => {
    const sealer = await createSealer([key]);
    const request = requestOf({ host: "broker.example", username: "u", password: "p", will });
    const text = await store(request, sealer);
    for (const [from, to] of [
      ["broker.example", "broker.exampl3"],
      ["AAECA//+", "AAECA//8"],
    ] as const) {
      const changed = text.replace(from, to);
      assert.notEqual(changed, text);
      await assert.rejects(restore(changed, sealer), UnreadableRequest);
    }
  });

  it("do not read another format, or what is none, and say nothing of what is in it", async () => {
    const text = await store(requestOf({ host: "h" }), plainSealer);
    const later = JSON.stringify({ ...JSON.parse(text), version: 2 });
    for (const wrong of [later, "", "geheim", "{geheim", "null", "[]", '{"tree":{}}', text.slice(0, -1)])
      await assert.rejects(restore(wrong, plainSealer), (error) => {
        assert.ok(error instanceof UnreadableRequest);
        assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /geheim/);
        return true;
      });
  });

  it("pass on why the secrets cannot be opened", async () => {
    const text = await store(requestOf({ host: "h", username: "u" }), await createSealer([key]));
    await assert.rejects(restore(text, await createSealer([])), SealError);
  });

  it("store nothing that would come back as something else", async () => {
    const request = requestOf({ host: "h" });
    for (const odd of [new Date(0), new Map(), 1n, Number.NaN, () => 1])
      await assert.rejects(
        store({ ...request, odd } as ConnectionRequest, plainSealer),
        /Cannot store .* odd/,
      );
  });
});

/** The usual encodings of a text, also where base64 begins in the middle of a group. */
function encodings(text: string): string[] {
  const bytes = Buffer.from(text);
  const shifted = [0, 1, 2].map((skip) =>
    bytes.subarray(skip, skip + Math.floor((bytes.length - skip) / 3) * 3),
  );
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.join(","),
    ...shifted.flatMap((part) => [part.toString("base64"), part.toString("base64url")]),
  ];
}
