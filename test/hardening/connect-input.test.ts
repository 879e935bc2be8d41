import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import type { Answer } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const pointersOf = ({ body }: Answer): string[] =>
  body.errors.map((error: { pointer: string }) => error.pointer);

/** Each POST, PUT and probe is a 422 that names `pointer`, and the broker sees nobody. */
async function refused(rig: Rig, request: object, pointer: string): Promise<void> {
  const calls = [
    await rig.open(request),
    await rig.call("PUT", "/connections/put", request),
    await rig.call("POST", "/probe", request),
  ];
  for (const answer of calls) {
    assertProblem(answer, 422, "invalid-request");
    assert.ok(pointersOf(answer).includes(pointer), answer.text);
    assert.equal(answer.body.retryable, false);
  }
}

/** A row: what the test is called, the request (to which `url` is added unless it says where), the pointer. */
type Row = readonly [name: string, request: object, pointer: string];

function table(fault: string, rows: readonly Row[]): void {
  for (const [name, fields, pointer] of rows) {
    itHolds(`${fault} ${name}: 422 at ${pointer || "the body"}, and nothing is dialled`, async (rig) => {
      const broker = await rig.broker(accepts());
      const where = "url" in fields || "host" in fields || "nowhere" in fields ? {} : { url: broker.url };
      const { nowhere: _, ...request } = { nowhere: true, ...where, ...fields };
      await refused(rig, request, pointer);
      assert.equal(broker.peers.length, 0);
    });
  }
}

const host = "127.0.0.1";
describe("S14, S15: ports and hosts", () => {
  table("S14", [
    ["port 0", { host, port: 0 }, "/port"],
    ["port -1", { host, port: -1 }, "/port"],
    ["port 65536", { host, port: 65_536 }, "/port"],
    ['port "1883"', { host, port: "1883" }, "/port"],
    ["port 1.5", { host, port: 1.5 }, "/port"],
    ["port null", { host, port: null }, "/port"],
    ["port 0 in the URL", { url: "mqtt://127.0.0.1:0" }, "/url"],
    ["port 65536 in the URL", { url: "mqtt://127.0.0.1:65536" }, "/url"],
    ["port -1 in the URL", { url: "mqtt://127.0.0.1:-1" }, "/url"],
    ["port 1.5 in the URL", { url: "mqtt://127.0.0.1:1.5" }, "/url"],
  ]);
  table("S15", [
    ["an empty host", { host: "" }, "/host"],
    ["a host of 300 characters", { host: "a.".repeat(150) }, "/host"],
    ["a host of 2,000 characters", { host: "a".repeat(2_000) }, "/host"],
    ["a label of 64 characters", { host: `${"a".repeat(64)}.test` }, "/host"],
    ["a host with a scheme", { host: "mqtt://127.0.0.1" }, "/host"],
    ["a host with a path", { host: "127.0.0.1/a" }, "/host"],
    ["a host with a port", { host: "127.0.0.1:1883" }, "/host"],
    ["a host with a space", { host: "local host" }, "/host"],
    ["a host with NUL", { host: "localhost\u0000.test" }, "/host"],
    ["a host with a line end", { host: "localhost\r\nx: y" }, "/host"],
    ["a host with a user", { host: "user@localhost" }, "/host"],
    ["no host in the URL", { url: "mqtt://" }, "/url"],
    ["a space in the URL", { url: "mqtt://127.0.0.1 :1883" }, "/url"],
    ["NUL in the URL", { url: "mqtt://127.0.0.1\u0000" }, "/url"],
    ["a path in an mqtt URL", { url: "mqtt://127.0.0.1/a" }, "/url"],
    ["another scheme", { url: "http://127.0.0.1:1883" }, "/url"],
    ["no scheme", { url: "127.0.0.1:1883" }, "/url"],
    ["an empty URL", { url: "" }, "/url"],
    ["a host of 300 characters in the URL", { url: `mqtt://${"a".repeat(300)}` }, "/url"],
    ["both url and host", { url: "mqtt://127.0.0.1", host }, "/host"],
  ]);
  itHolds("S15 neither url nor host: 422 at /url", async (rig) => {
    await refused(rig, { clientId: "x" }, "/url");
  });
});

describe("S17: fields that do not exist", () => {
  table("S17", [
    ["an unknown field", { colour: "red" }, "/colour"],
    ["a misspelt field", { clientid: "x" }, "/clientid"],
    ["a misspelt field inside", { will: { topic: "a", payLoad: "x" } }, "/will/payLoad"],
    ["a misspelt property", { properties: { recieveMaximum: 2 } }, "/properties/recieveMaximum"],
    ["constructor", { constructor: { name: "x" } }, "/constructor"],
    ["a field with a slash and a tilde", { "a/b~c": 1 }, "/a~1b~0c"],
  ]);
  itHolds("S17 __proto__: 422 that names it, and no prototype is touched", async (rig) => {
    const broker = await rig.broker(accepts());
    for (const inner of ['"__proto__": {"polluted": true}', '"labels": {"__proto__": {"polluted": true}}']) {
      const answer = await rig.call("POST", "/connections", `{"url": "${broker.url}", ${inner}}`);
      assertProblem(answer, 422, "invalid-request");
      assert.ok(pointersOf(answer)[0]?.endsWith("/__proto__"), answer.text);
    }
    assert.equal("polluted" in {}, false);
    assert.equal(broker.peers.length, 0);
  });
});

describe("S18: bodies that are no JSON object", () => {
  const json = "application/json";
  for (const [name, body, type, status, code] of [
    ["broken JSON", '{"url": ', json, 400, "malformed-request"],
    ["an empty body", "", json, 400, "malformed-request"],
    ["text", '{"url": "mqtt://127.0.0.1"}', "text/plain", 415, "unsupported-media-type"],
    ["a form", "url=mqtt", "application/x-www-form-urlencoded", 415, "unsupported-media-type"],
    ["JSON in name only", "{}", "application/jsonx", 415, "unsupported-media-type"],
    ["an array", "[]", json, 422, "invalid-request"],
    ["null", "null", json, 422, "invalid-request"],
    ["a string", '"mqtt://127.0.0.1"', json, 422, "invalid-request"],
  ] as const) {
    itHolds(`S18 ${name}: ${status} ${code}`, async (rig) => {
      for (const [method, path] of [
        ["POST", "/connections"],
        ["PUT", "/connections/x"],
        ["POST", "/probe"],
      ] as const) {
        assertProblem(await rig.call(method, path, body, { "content-type": type }), status, code);
      }
    });
  }

  itHolds("S18 JSON nested 20,000 deep: 422", async (rig) => {
    const deep = "[".repeat(20_000) + "]".repeat(20_000);
    const answer = await rig.call("POST", "/connections", `{"will":{"payload":${deep}}}`);
    assertProblem(answer, 422, "invalid-request");
  });

  itHolds("S18 bytes that are not UTF-8: a 4xx", async (rig) => {
    const bytes = Buffer.concat([Buffer.from('{"clientId":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${rig.app.url}/connections`, { method: "POST", body: bytes, headers });
    assert.ok(response.status >= 400 && response.status < 500, await response.text());
  });
});

describe("S19: a body over the limit", () => {
  const environment = () => ({ CONNACK_MAX_BODY_BYTES: "2048" });
  const announced = async (rig: Rig) => {
    const answer = await rig.open({ url: "mqtt://127.0.0.1", clientId: "x".repeat(4_096) });
    assertProblem(answer, 413, "content-too-large");
    assert.deepEqual(answer.body.limit, { name: "CONNACK_MAX_BODY_BYTES", value: 2_048 });
  };
  itHolds("S19 with Content-Length: 413 that names the limit", announced, { environment });

  const chunked = async (rig: Rig) => {
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
      const sent = httpRequest(`${rig.app.url}/connections`, { method: "POST", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject);
      sent.write(`{"clientId":"`);
      sent.write("x".repeat(4_096));
      sent.end(`"}`);
    });
    assert.equal(status, 413);
  };
  itHolds("S19 chunked: 413", chunked, { environment });
});
