import assert from "node:assert/strict";
import type { IConnectPacket } from "mqtt-packet";
import type { Answer } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import { assertLogIsSafe, odd, odder } from "../support/odd-texts.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome } from "../support/raw-publish.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const texts = [...odd, ...odder];

// oxlint-disable-next-line no-explicit-any
type View = any;

/** A field: its pointer, a request with the text in it, and where the text is to be found again. */
type Field = readonly [
  pointer: string,
  request: (text: string) => object,
  seen: (view: View, connect: IConnectPacket) => unknown,
];

const tls = (options: object) => ({ url: "mqtts://127.0.0.1:1", tls: options });
const ws = (options: object) => ({ url: "ws://127.0.0.1:1", websocket: options });
const property = (name: string, value: unknown) => ({ properties: { [name]: value } });
const named = (name: string, value: string) => ({ [name]: value });

/** In what a broker is told. */
const told: readonly Field[] = [
  ["/id", (id) => ({ id }), ({ id }) => id],
  ["/clientId", (clientId) => ({ clientId }), (_, { clientId }) => clientId],
  ["/username", (username) => ({ username, password: "p" }), (_, { username }) => username],
  ["/password", (password) => ({ username: "u", password }), (_, { password }) => password?.toString()],
  ["/labels/a", (a) => ({ labels: { a } }), ({ request }) => request.labels.a],
  ["/labels", (name) => ({ labels: named(name, "") }), ({ request }) => Object.keys(request.labels)[0]],
  ["/will/topic", (topic) => ({ will: { topic } }), (_, { will }) => will?.topic],
  [
    "/will/payload",
    (payload) => ({ will: { topic: "a", payload } }),
    (_, { will }) => (will?.payload ?? "").toString(),
  ],
  [
    "/will/properties/contentType",
    (text) => ({ will: { topic: "a", ...property("contentType", text) } }),
    (_, { will }) => will?.properties?.contentType,
  ],
  [
    "/will/properties/responseTopic",
    (text) => ({ will: { topic: "a", ...property("responseTopic", text) } }),
    (_, { will }) => will?.properties?.responseTopic,
  ],
  [
    "/will/properties/correlationData",
    (text) => ({ will: { topic: "a", ...property("correlationData", text) } }),
    (_, { will }) => will?.properties?.correlationData?.toString(),
  ],
  [
    "/properties/userProperties",
    (text) => property("userProperties", { a: text }),
    (_, { properties }) => properties?.userProperties?.["a"],
  ],
  [
    "/properties/userProperties",
    (text) => property("userProperties", named(text, "")),
    ({ request }) => Object.keys(request.properties.userProperties)[0],
  ],
  [
    "/properties/authenticationMethod",
    (text) => property("authenticationMethod", text),
    (_, { properties }) => properties?.authenticationMethod,
  ],
  [
    "/subscriptions/0/topicFilter",
    (topicFilter) => ({ subscriptions: [{ topicFilter }] }),
    ({ request }) => request.subscriptions[0].topicFilter,
  ],
];

/** Of which nothing can be read back, so that it must be refused or the attempt fail. */
const untold: readonly Field[] = [
  ["/url", (url) => ({ url }), () => null],
  ["/url", (text) => ({ url: `mqtt://${text}` }), () => null],
  ["/url", (text) => ({ url: `mqtt://user:${text}@127.0.0.1:1` }), () => null],
  ["/url", (text) => ({ url: `ws://127.0.0.1:1/${text}` }), () => null],
  ["/host", (host) => ({ host, port: 1 }), () => null],
  ["/path", (path) => ({ host: "127.0.0.1", port: 1, transport: "ws", path: `/${path}` }), () => null],
  ["/transport", (transport) => ({ host: "127.0.0.1", transport }), () => null],
  ["/protocolVersion", (protocolVersion) => ({ protocolVersion }), () => null],
  ["/passwordEncoding", (passwordEncoding) => ({ passwordEncoding }), () => null],
  ["/password", (password) => ({ username: "u", password, passwordEncoding: "base64" }), () => null],
  ["/bindAddress", (bindAddress) => ({ bindAddress }), () => null],
  ["/tls/serverName", (serverName) => tls({ serverName }), () => null],
  ["/tls/ca", (ca) => tls({ ca }), () => null],
  ["/tls/cert", (cert) => tls({ cert, key: cert }), () => null],
  ["/tls/passphrase", (passphrase) => tls({ passphrase }), () => null],
  ["/tls/alpnProtocols", (name) => tls({ alpnProtocols: [name] }), () => null],
  ["/websocket/headers", (value) => ws({ headers: { a: value } }), () => null],
  ["/websocket/headers", (name) => ws({ headers: named(name, "") }), () => null],
  ["/websocket/protocol", (protocol) => ws({ protocol }), () => null],
];

/** A 4xx that names the field, or something in it. */
function assertNamed(answer: Answer, pointer: string, what: string): void {
  assert.equal(answer.status, 422, `${pointer} with ${what}: ${answer.text.slice(0, 500)}`);
  const found: string[] = answer.body.errors.map((error: { pointer: string }) => error.pointer);
  const names = (each: string) => each === pointer || each.startsWith(`${pointer}/`);
  assert.ok(found.some(names), `${pointer} with ${what}: ${answer.text.slice(0, 500)}`);
}

/** So that "gives back" includes what a map holds in an array. */
const same = (seen: unknown, text: string) => seen === text || (Array.isArray(seen) && seen[0] === text);

/** Neither UTF-8 nor, where text is asked and not bytes, an MQTT string (MQTT 5 §1.5.4). */
function assertNotForbidden(text: string, pointer: string, what: string): void {
  assert.ok(text.isWellFormed(), `${pointer} took ${what}`);
  const isBytes = /\/(password|payload|correlationData)$/.test(pointer);
  assert.ok(isBytes || !text.includes("\0"), `${pointer} took ${what}`);
}

const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 } as const]);

describe("hostile texts", () => {
  for (const [pointer, request, seen] of told)
    itHolds(`POST /connections ${pointer}: comes back exactly, or 422 that names it`, async (rig) => {
      const broker = await rig.broker(accepts());
      let taken = 0;
      for (const [what, text] of texts) {
        const dials = broker.peers.length;
        const answer = await rig.call("POST", "/connections", { url: broker.url, ...request(text) });
        if (answer.status === 422) {
          assertNamed(answer, pointer, what);
          continue;
        }
        assert.equal(answer.status, 201, `${pointer} with ${what}: ${answer.text.slice(0, 500)}`);
        assertNotForbidden(text, pointer, what);
        taken += 1;
        const peer = await broker.connection(dials + 1);
        const connect = peer.received[0];
        assert.ok(connect?.cmd === "connect");
        if (pointer !== "/clientId" || text !== "")
          assert.ok(same(seen(answer.body, connect), text), `${pointer} changed ${what}`);
        const view = await rig.call("GET", `/connections/${answer.body.id}`);
        assert.equal(view.status, 200);
        const gone = await rig.call(
          "DELETE",
          `/connections/${encodeURIComponent(answer.body.id)}?force=true`,
        );
        assert.equal(gone.status, 200, gone.text);
      }
      // Ids and the names of labels are of few characters, and the values of labels are short.
      if (pointer !== "/id" && !pointer.startsWith("/labels")) assert.ok(taken >= odd.length, `${taken}`);
      assertLogIsSafe(rig.app.logs);
    });

  itHolds(
    "POST /connections and /probe, fields of where and how: 422 that names them, or a failure",
    async (rig) => {
      for (const [pointer, request] of untold)
        for (const [what, text] of texts)
          for (const path of ["/connections?wait=2", "/probe?wait=2"]) {
            const url = "mqtt://127.0.0.1:1";
            const fields = request(text);
            const body = "url" in fields || "host" in fields ? fields : { url, ...fields };
            const answer = await rig.call("POST", path, body);
            if (answer.status === 422) assertNamed(answer, pointer, what);
            else {
              const { status, text: said } = answer;
              assert.ok([200, 403, 502, 503, 504].includes(status), `${pointer} with ${what}: ${said}`);
              assert.ok(!("ok" in answer.body) || answer.body.ok === false, said);
            }
          }
      assertLogIsSafe(rig.app.logs);
    },
    { overrides: { resolve }, timeout: 120_000 },
  );

  itHolds("POST /webhooks: each field comes back exactly, or 422 that names it", async (rig) => {
    const whole = { url: "https://127.0.0.1:1/a", topics: ["a"] };
    const fields: readonly (readonly [string, (text: string) => object, (view: View) => unknown])[] = [
      ["/url", (url) => ({ url }), ({ url }) => url],
      ["/url", (text) => ({ url: `https://127.0.0.1:1/${text}` }), ({ url }) => url?.slice(20)],
      ["/connection", (connection) => ({ connection }), ({ connection }) => connection],
      ["/topics", (filter) => ({ topics: [filter] }), ({ topics }) => topics[0]],
      ["/events", (type) => ({ events: [type] }), ({ events }) => events[0]],
      ["/format", (format) => ({ format }), ({ format }) => format],
      ["/secret", (secret) => ({ secret }), () => null],
      ["/labels", (a) => ({ labels: { a } }), ({ labels }) => labels.a],
      ["/labels", (name) => ({ labels: named(name, "") }), ({ labels }) => Object.keys(labels)[0]],
    ];
    for (const [pointer, request, seen] of fields)
      for (const [what, text] of texts) {
        const created = await rig.call("POST", "/webhooks", { ...whole, ...request(text) });
        if (created.status === 422) {
          assertNamed(created, pointer, what);
          continue;
        }
        assert.equal(created.status, 201, created.text);
        assertNotForbidden(text, pointer, what);
        const path = `/webhooks/${created.body.id}`;
        const { body } = await rig.call("GET", path);
        assert.equal(seen(body), text, `${pointer} changed ${what}`);
        assert.equal((await rig.call("PATCH", path, request(text))).status, 200);
        assert.equal((await rig.call("DELETE", path)).status, 204);
      }
    assertLogIsSafe(rig.app.logs);
  });

  itHolds(
    "POST …/publish, lines and …/request: each field arrives exactly, or 422 that names it",
    async (rig) => {
      const peer = await openHome(rig);
      const properties = (packet: View) => packet.properties ?? {};
      const fields: readonly (readonly [string, (text: string) => object, (packet: View) => unknown])[] = [
        ["/topic", (topic) => ({ topic }), ({ topic }) => topic],
        ["/payload", (payload) => ({ payload }), ({ payload }) => String(payload)],
        ["/payloadEncoding", (payloadEncoding) => ({ payloadEncoding }), () => null],
        [
          "/properties/contentType",
          (text) => property("contentType", text),
          (p) => properties(p).contentType,
        ],
        [
          "/properties/responseTopic",
          (text) => property("responseTopic", text),
          (p) => properties(p).responseTopic,
        ],
        [
          "/properties/correlationData",
          (text) => property("correlationData", text),
          (p) => properties(p).correlationData?.toString(),
        ],
        [
          "/properties/userProperties",
          (text) => property("userProperties", { a: text }),
          (p) => properties(p).userProperties?.a,
        ],
        [
          "/properties/userProperties",
          (text) => property("userProperties", named(text, "")),
          (p) => Object.keys(properties(p).userProperties ?? {})[0],
        ],
      ];
      const jsonPath = "/connections/home/publish";
      for (const [pointer, request, seen] of fields)
        for (const [what, text] of texts) {
          const message = { topic: "a", qos: 1, ...request(text) };
          await assertArrives(peer, pointer, what, text, seen, () => rig.call("POST", jsonPath, message));
          await assertArrives(peer, pointer, what, text, seen, async () => {
            const headers = { "content-type": "application/x-ndjson" };
            const answer = await rig.call("POST", jsonPath, JSON.stringify(message), headers);
            const report = JSON.parse(answer.text);
            return { ...answer, status: report.status, body: report };
          });
        }
      for (const [what, text] of texts) {
        const asked = { topic: "a", timeoutMs: 1, responseTopic: text };
        const answer = await rig.call("POST", "/connections/home/request", asked);
        if (answer.status === 422) assertNamed(answer, "/responseTopic", what);
        else assert.equal(answer.status, 504, `${what}: ${answer.text}`);
      }
      assertLogIsSafe(rig.app.logs);
    },
  );
});

async function assertArrives(
  peer: ScriptedPeer,
  pointer: string,
  what: string,
  text: string,
  seen: (packet: View) => unknown,
  call: () => Promise<Answer>,
): Promise<void> {
  const sent = publishesAt(peer).length;
  const answer = await call();
  if (answer.status === 422) {
    assertNamed(answer, pointer, what);
    assert.equal(publishesAt(peer).length, sent);
    return;
  }
  assertNotForbidden(text, pointer, what);
  assert.equal(answer.status, 200, `${pointer} with ${what}: ${answer.text.slice(0, 500)}`);
  assert.equal(seen(publishesAt(peer)[sent]) ?? "", text, `${pointer} changed ${what}`);
}
