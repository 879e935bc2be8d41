import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { createResolver } from "../../src/broker/resolver.ts";
import type { EgressPolicy } from "../../src/egress/policy.ts";
import { deliver, type Outcome } from "../../src/webhooks/delivery.ts";
import { parseEndpoint } from "../../src/webhooks/endpoint.ts";
import { makeCertificates } from "../support/certificates.ts";
import { startDnsServer } from "../support/dns-server.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { needs } from "../support/needs.ts";
import { openPolicy, publicPolicy } from "../support/policies.ts";
import { describe, it } from "../support/test.ts";
import { silence, startEndpoint, status } from "../support/webhook-endpoint.ts";

interface Options {
  readonly body?: string;
  readonly policy?: EgressPolicy;
  readonly dns?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const never = new AbortController().signal;

function post(url: string, options: Options = {}): Promise<Outcome> {
  const parsed = parseEndpoint(url);
  assert.ok(parsed.ok);
  const deps = {
    resolve: createResolver(options.dns === undefined ? [] : [options.dns]),
    policy: options.policy ?? openPolicy,
    maxPacketBytes: 0,
    wall: Date.now,
    report: (error: unknown) => assert.fail(String(error)),
  };
  const headers = { "content-type": "application/json", "webhook-id": "msg_1" };
  const posting = { endpoint: parsed.endpoint, headers, body: options.body ?? '{"é":1}' };
  return deliver(posting, deps, options.timeoutMs ?? 10_000, options.signal ?? never);
}

const codeOf = (outcome: Outcome) => ("code" in outcome ? outcome.code : outcome.type);

/** A server that does this with each connection once it has sent something. */
async function rawServer(act: (socket: Socket) => void) {
  const listening = await listenOnLoopback(
    createServer((socket) => socket.on("error", () => {}).once("data", () => act(socket))),
  );
  return {
    url: `http://127.0.0.1:${listening.port}/`,
    [Symbol.asyncDispose]: () => listening.close(),
  };
}

describe("deliver()", () => {
  it("posts the body with its headers, to the path, over a connection that is closed then", async () => {
    await using endpoint = await startEndpoint();
    assert.deepEqual(await post(`${endpoint.url}/a%20b?c=d`), { type: "accepted", status: 204 });
    const [{ path, headers, text } = assert.fail()] = endpoint.received;
    assert.equal(path, "/hook/a%20b?c=d");
    assert.equal(text, '{"é":1}');
    assert.equal(headers["host"], `127.0.0.1:${endpoint.port}`);
    assert.equal(headers["content-length"], "8");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["webhook-id"], "msg_1");
    await endpoint.idle();
  });

  it("sends a body of 8 MiB whole", async () => {
    await using endpoint = await startEndpoint();
    const body = JSON.stringify("x".repeat(8_388_608));
    assert.equal((await post(endpoint.url, { body })).type, "accepted");
    assert.equal(endpoint.received[0]?.text.length, body.length);
  });

  for (const [code, outcome] of [
    [200, "accepted"],
    [201, "accepted"],
    [299, "accepted"],
    [301, "redirected"],
    [302, "redirected"],
    [304, "redirected"],
    [308, "redirected"],
    [400, "refused"],
    [404, "refused"],
    [410, "gone"],
    [500, "refused"],
    [599, "refused"],
  ] as const) {
    it(`${code}: ${outcome}`, async () => {
      await using endpoint = await startEndpoint(status(code, { location: "/elsewhere" }));
      const result = await post(endpoint.url);
      assert.equal(codeOf(result), outcome);
      assert.equal("status" in result ? result.status : null, code);
      assert.equal(endpoint.received.length, 1);
    });
  }

  it("reads Retry-After of 429 and 503 alone", async () => {
    const asks = async (code: number) => {
      await using endpoint = await startEndpoint(status(code, { "retry-after": "7" }));
      const result = await post(endpoint.url);
      return "retryAfterMs" in result ? result.retryAfterMs : null;
    };
    assert.deepEqual([await asks(429), await asks(503), await asks(500)], [7_000, 7_000, null]);
  });

  it("takes what comes before the answer for no answer", async () => {
    await using server = await rawServer((socket) =>
      socket.end(
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
      ),
    );
    assert.deepEqual(await post(server.url), { type: "accepted", status: 202 });
  });

  const faults: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ["closes without an answer", (socket) => socket.end(), "connection-reset"],
    ["resets", (socket) => socket.resetAndDestroy(), "connection-reset"],
    ["does not speak HTTP", (socket) => socket.end("220 mail.example ESMTP\r\n\r\n"), "malformed-response"],
    [
      "closes within its answer",
      (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
      "connection-reset",
    ],
    [
      "switches to another protocol",
      (socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
      "connection-reset",
    ],
    [
      "has headers without end",
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${`X-A: ${"y".repeat(8_000)}\r\n`.repeat(40)}`),
      "malformed-response",
    ],
  ];
  for (const [name, act, code] of faults) {
    it(`fails when the other end ${name}`, async () => {
      await using server = await rawServer(act);
      assert.equal(codeOf(await post(server.url)), code);
    });
  }

  it("fails when nothing listens", async () => {
    const endpoint = await startEndpoint();
    await endpoint[Symbol.asyncDispose]();
    assert.equal(codeOf(await post(endpoint.url)), "connection-refused");
  });

  it("gives up when there is no answer in time, and when it does not end in time", async () => {
    await using endpoint = await startEndpoint(silence);
    assert.equal(codeOf(await post(endpoint.url, { timeoutMs: 50 })), "timeout");
    endpoint.answer = (response) => response.writeHead(200, { "content-length": "100" }).write("x");
    assert.equal(codeOf(await post(endpoint.url, { timeoutMs: 50 })), "timeout");
    await endpoint.idle();
  });

  it("hangs up when it is told to", async () => {
    await using endpoint = await startEndpoint(silence);
    const abort = new AbortController();
    const result = post(endpoint.url, { signal: abort.signal });
    await endpoint.nth(1);
    abort.abort();
    assert.deepEqual(await result, { type: "cancelled" });
    await endpoint.idle();
    assert.deepEqual(await post(endpoint.url, { signal: abort.signal }), { type: "cancelled" });
    assert.equal(endpoint.received.length, 1);
  });
});

describe("deliver(), and addresses", () => {
  it("dials what was checked, by names that the system does not know, and says the name in Host", async () => {
    await using dns = await startDnsServer({ "hook.test": ["127.0.0.1"] });
    await using endpoint = await startEndpoint();
    const result = await post(`http://hook.test:${endpoint.port}/x`, { dns: dns.address });
    assert.equal(result.type, "accepted");
    assert.equal(endpoint.received[0]?.headers["host"], `hook.test:${endpoint.port}`);
  });

  it("resolves once and again for each attempt: a name that is rebound is refused", async () => {
    let answers = 0;
    await using dns = await startDnsServer({
      "rebind.test": (type) => {
        if (type === "A") answers += 1;
        return answers > 1 ? ["169.254.169.254"] : ["127.0.0.1"];
      },
    });
    await using endpoint = await startEndpoint();
    const url = `http://rebind.test:${endpoint.port}/`;
    assert.equal((await post(url, { dns: dns.address })).type, "accepted");
    assert.equal(answers, 1);
    assert.equal(codeOf(await post(url, { dns: dns.address })), "destination-forbidden");
  });

  it("does not reach what the policy forbids", async () => {
    await using endpoint = await startEndpoint();
    assert.equal(codeOf(await post(endpoint.url, { policy: publicPolicy })), "destination-forbidden");
    assert.equal(endpoint.received.length, 0);
  });

  it("sends nothing where the policy has become tighter while it dialled", async () => {
    await using endpoint = await startEndpoint();
    let checks = 0;
    const policy = { check: () => (checks += 1) === 1 };
    assert.equal(codeOf(await post(endpoint.url, { policy })), "destination-forbidden");
    await endpoint.idle();
    assert.deepEqual([endpoint.received.length, checks], [0, 2]);
  });

  it("says that a name does not exist", async () => {
    await using dns = await startDnsServer();
    assert.equal(codeOf(await post("http://none.test/", { dns: dns.address })), "dns-error");
  });

  it(
    "verifies certificates by the name in the URL",
    async () => {
      const { selfSigned } = await makeCertificates();
      await using endpoint = await startEndpoint(status(204), selfSigned);
      const result = await post(endpoint.url);
      assert.equal(codeOf(result), "tls-error");
      assert.ok("detail" in result && !/broker/i.test(result.detail));
      assert.equal(endpoint.received.length, 0);
    },
    { skip: needs("openssl") },
  );
});
