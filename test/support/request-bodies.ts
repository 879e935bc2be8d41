import * as fc from "fast-check";
import type { ConnectionRequest } from "../../src/request/connection-request.ts";
import { Secret } from "../../src/secret.ts";

/** Names that mean something to JavaScript or look like what a format may be made of, among others. */
const odd = ["__proto__", "constructor", "toJSON", "bytes", "secret", "at", "tree", "pieces", "0", "a/b"];

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const name = fc.oneof(fc.constantFrom(...odd), fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/));
const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each).toString("base64"));
const binary = fc.oneof(
  text,
  bytes.map((base64) => ({ base64 })),
);
const topic = fc.stringMatching(/^[a-z0-9/ü]{1,12}$/);
const qos = fc.constantFrom(0, 1, 2);
const uint16 = fc.integer({ min: 1, max: 65_535 });
const uint32 = fc.integer({ min: 1, max: 4_294_967_295 });
const userProperties = fc.dictionary(fc.oneof(name, text), fc.oneof(text, fc.array(text, { maxLength: 3 })), {
  maxKeys: 4,
});

/** A record with some of these fields. */
const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });

const messageProperties = {
  payloadFormatIndicator: fc.constantFrom(0, 1),
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: topic,
  correlationData: binary,
  userProperties,
};

const will = fc.record(
  {
    topic,
    payload: text,
    qos,
    retain: fc.boolean(),
    properties: some({ willDelayInterval: uint32, ...messageProperties }),
  },
  { requiredKeys: ["topic"] },
);
const willOfBytes = fc.record({ topic, payload: bytes, payloadEncoding: fc.constant("base64") });
const willOfJson = fc.record({ topic, payload: fc.jsonValue(), payloadEncoding: fc.constant("json") });

const properties = some({
  sessionExpiryInterval: uint32,
  receiveMaximum: uint16,
  maximumPacketSize: uint32,
  topicAliasMaximum: uint16,
  requestResponseInformation: fc.boolean(),
  requestProblemInformation: fc.boolean(),
  userProperties,
});
const authentication = fc.record({ authenticationMethod: text, authenticationData: binary });

const subscriptions = fc.uniqueArray(
  fc.record(
    {
      topicFilter: topic,
      qos,
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      retainHandling: qos,
      subscriptionIdentifier: uint16,
      userProperties,
    },
    { requiredKeys: ["topicFilter"] },
  ),
  { selector: ({ topicFilter }) => topicFilter, maxLength: 4 },
);

const common = {
  clientId: text,
  cleanStart: fc.boolean(),
  keepAlive: fc.integer({ min: 0, max: 65_535 }),
  bindAddress: fc.constantFrom("127.0.0.1", "::1"),
  connectTimeoutMs: fc.integer({ min: 100, max: 60_000 }),
  reconnect: some({ enabled: fc.boolean(), maxAttempts: fc.option(uint16) }),
  log: some({ messages: uint16, bytes: uint16, durable: fc.boolean() }),
  durable: fc.boolean(),
  idleTtlMs: fc.option(fc.integer({ min: 1_000, max: 2_592_000_000 })),
  labels: fc.dictionary(name, text, { maxKeys: 4 }),
};

const versions = fc.oneof(
  fc.record({ protocolVersion: fc.constantFrom("3.1", "3.1.1", "auto") }),
  some({
    protocolVersion: fc.constant("5"),
    will: fc.oneof(will, willOfBytes, willOfJson),
    properties: fc.oneof(properties, authentication),
    subscriptions,
  }),
);

const credentials = fc.oneof(
  some({ username: text }),
  fc.record({ username: text, password: text }),
  fc.record({ username: text, password: bytes, passwordEncoding: fc.constant("base64") }),
);

const targets = fc.oneof(
  fc.record({ host: fc.constantFrom("broker.example", "::1", "10.0.0.1"), port: uint16 }),
  fc.record({ url: fc.constantFrom("mqtt://broker.example", "mqtts://h:1", "ws://h/a", "wss://h/?sig=a") }),
  fc.record({
    url: fc.constantFrom("ws://h/a", "wss://h/mqtt?a=b"),
    websocket: some({
      protocol: fc.constantFrom("mqtt", "mqttv3.1"),
      headers: fc.dictionary(
        fc.oneof(name, fc.constant("Authorization")),
        fc.stringMatching(/^[ -~]{0,20}$/),
        {
          maxKeys: 3,
        },
      ),
    }),
  }),
);

/** Bodies of connection requests; most are valid. */
export const requestBodies = fc
  .tuple(some(common), versions, credentials, targets)
  .map((parts): object => Object.assign({}, ...parts));

/** What the schema makes of `tls`, whose certificates cannot be made up. */
export const parsedTls: fc.Arbitrary<ConnectionRequest["tls"]> = fc.option(
  fc.record(
    {
      ca: text,
      cert: text,
      key: text.map((plain) => new Secret(plain)),
      serverName: name,
      alpnProtocols: fc.array(text, { minLength: 1, maxLength: 3 }),
      verify: fc.boolean(),
    },
    { requiredKeys: ["key", "verify"] },
  ),
  { nil: undefined },
);
