import assert from "node:assert/strict";
import { parseSettings } from "../../src/settings.ts";
import { startTracing } from "../../src/tracing/tracing.ts";
import { adminToken, quiet } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { canary, found } from "../support/canary.ts";
import { freePort } from "../support/free-port.ts";
import { startMain } from "../support/program.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { attributesIn, spansAt } from "../support/spans.ts";
import { withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";
import { silence, startEndpoint, status, type WebhookEndpoint } from "../support/webhook-endpoint.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";

/** The environment of an app that has this collector. */
function sendingTo({ port }: { readonly port: number }): Record<string, string> {
  return { CONNACK_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` };
}

/** What a collector has of an app that has been called, when it has stopped. */
async function spansOf(use: (app: TestApp) => Promise<void>, environment: Record<string, string> = {}) {
  await using collector = await startEndpoint(status(200));
  await using app = await startApp({ ...sendingTo(collector), ...environment });
  await use(app);
  await app.stop();
  return { spans: spansAt(collector), collector };
}

describe("spans of calls", () => {
  it("have the route, the status, the problem and the request, and nothing else", async () => {
    const { spans, collector } = await spansOf(async (app) => {
      await app.call("GET", "/healthz", undefined, { "x-request-id": "mine" });
      await app.call("GET", "/connections/none", undefined, { "x-request-id": "other" });
    });
    assert.deepEqual(
      spans.map(({ name, kind, attributes, status: of, parentSpanId }) => ({
        name,
        kind,
        attributes,
        of,
        parentSpanId,
      })),
      [
        {
          name: "GET /healthz",
          kind: 2,
          attributes: {
            "http.request.method": "GET",
            "http.route": "/healthz",
            "http.response.status_code": "200",
            "connack.request.id": "mine",
          },
          of: {},
          parentSpanId: undefined,
        },
        {
          name: "GET /connections/:id",
          kind: 2,
          attributes: {
            "http.request.method": "GET",
            "http.route": "/connections/:id",
            "http.response.status_code": "404",
            "connack.request.id": "other",
            "connack.problem.code": "not-found",
          },
          of: {},
          parentSpanId: undefined,
        },
      ],
    );
    for (const { duration } of spans) assert.ok(duration > 0n && duration < 5_000_000_000n, `${duration}`);
    const [first] = collector.received;
    assert.deepEqual([first?.path, first?.headers["content-type"]], ["/v1/traces", "application/json"]);
    const about = attributesIn(first?.body.resourceSpans[0].resource.attributes);
    assert.deepEqual([about["service.name"], about["service.version"]], ["connack", "0.0.0-test"]);
  });

  it("continue the caller's trace, and are not made where that is not recorded", async () => {
    const { spans } = await spansOf(async (app) => {
      for (const flags of ["01", "00"])
        await app.call("GET", "/healthz", undefined, { traceparent: `00-${traceId}-${parentId}-${flags}` });
      await app.call("GET", "/version", undefined, { traceparent: "nonsense" });
    });
    assert.deepEqual(
      spans.map((span) => [span.name, span.traceId === traceId, span.parentSpanId, span.flags]),
      [
        ["GET /healthz", true, parentId, 0x301],
        ["GET /version", false, undefined, 0x101],
      ],
    );
  });

  it("know each call of many at once by itself, and say that 5xx is an error", async () => {
    await using broker = await startScriptedBroker(() => {});
    const { spans } = await spansOf(async (app) => {
      const slow = app.open({ url: broker.url }, "?wait=0.5");
      const quick = Array.from({ length: 20 }, (_, n) =>
        app.call("GET", n % 2 === 0 ? "/version" : "/none", undefined, { "x-request-id": `r${n % 2}` }),
      );
      await Promise.all([slow, ...quick]);
    });
    const said = spans.map(({ name, attributes, status: of }) =>
      [
        name,
        attributes["connack.request.id"]?.length === 2,
        attributes["connack.problem.code"],
        JSON.stringify(of),
      ].join(" "),
    );
    const count = (text: string) => said.filter((one) => one === text).length;
    assert.equal(count("GET /version true  {}"), 10, said.join("\n"));
    assert.equal(count("GET /* true not-found {}"), 10, said.join("\n"));
    assert.equal(count('POST /connections false connack-timeout {"code":2}'), 1, said.join("\n"));
  });

  it("have nothing of what callers send: no secret, no path, no query, no header, no message of an error", async () => {
    const plain = ["a ticket", "an access token", "an id", "a topic", "a path"].map((name) =>
      canary(name, "plain"),
    );
    const [ticket, accessToken, id, topic, path] = plain.map(({ text }) => text);
    const headers = ["a cookie", "a trace state", "baggage", "an own header"].map((name) =>
      canary(name, "plain"),
    );
    const [cookie, state, baggage, own] = headers.map(({ text }) => text);
    const password = canary("a password");
    await using broker = await startScriptedBroker(accepts());
    const { spans, collector } = await spansOf(async (app) => {
      const sent = {
        authorization: `Bearer ${adminToken}`,
        traceparent: `00-${traceId}-${parentId}-01`,
        tracestate: `vendor=${state}`,
        baggage: `user=${baggage}`,
        "user-agent": `${own}`,
      };
      const opened = await app.call(
        "POST",
        "/connections",
        { id, url: broker.url, username: "u", password: password.text },
        sent,
      );
      assert.equal(opened.status, 201, opened.text);
      await app.call("POST", `/connections/${id}/publish?topic=${topic}`, "x", sent);
      await app.call("GET", `/connections/${path}?access_token=${accessToken}`, undefined, sent);
      await app.call("GET", `/events?ticket=${ticket}`);
      await app.call("GET", "/version", undefined, { cookie: `__Host-connack=${cookie}` });
      await app.call("GET", `/${path}`, undefined, sent);
    }, withTokens);
    assert.equal(spans.length, 6);
    const allowed = new Set([
      "http.request.method",
      "http.route",
      "http.response.status_code",
      "connack.request.id",
      "connack.problem.code",
    ]);
    for (const { attributes, members } of spans) {
      assert.deepEqual(
        Object.keys(attributes).filter((name) => !allowed.has(name)),
        [],
      );
      assert.deepEqual(
        members.filter((name) => /event|link|state/i.test(name)),
        [],
      );
    }
    const texts = collector.received.map(({ text, headers: given }) => `${text} ${JSON.stringify(given)}`);
    assert.deepEqual(found([...plain, ...headers, password], texts.join("\n")), []);
    assert.ok(!texts.join("\n").includes(adminToken));
  });
});

describe("a collector that does not take spans", () => {
  const bad: readonly (readonly [string, () => Promise<WebhookEndpoint>])[] = [
    ["never answers", () => startEndpoint(silence)],
    ["answers 503", () => startEndpoint(status(503))],
    ["answers with a redirect", () => startEndpoint(status(307, { location: "http://127.0.0.1:1/" }))],
  ];
  for (const [what, start] of bad)
    it(`slows no call and no end, when it ${what}`, async () => {
      await using collector = await start();
      await using app = await startApp({ ...sendingTo(collector), CONNACK_SHUTDOWN_GRACE_MS: "1000" });
      for (let n = 0; n < 50; n += 1) assert.equal((await app.call("GET", "/healthz")).status, 200);
      const from = performance.now();
      await app.stop();
      assert.ok(performance.now() - from < 4_000);
      assert.equal(spansAt(collector).length, 50);
      assert.equal(app.logs.filter((line) => line.includes("spans were not taken")).length, 1);
    });

  it("is told of in the log, when it is away", async () => {
    await using app = await startApp(sendingTo({ port: await freePort() }));
    await app.call("GET", "/healthz");
    await app.stop();
    assert.equal(app.logs.filter((line) => line.includes("spans were not taken")).length, 1);
  });

  it("fills no memory: of what it does not take 2,048 wait, and what is new is dropped", async () => {
    await using collector = await startEndpoint(silence);
    const tracing = startTracing(`http://127.0.0.1:${collector.port}`, "0", quiet);
    for (let n = 0; n < 10_000; n += 1) tracing.tracer.startSpan("GET /healthz").end();
    await collector.nth(1);
    await tracing.close(500);
    assert.equal(spansAt(collector).length, 512 + 2_048);
  });
});

describe("CONNACK_OTLP_ENDPOINT", () => {
  it("is a URL of http or https without credentials, which are not shown", () => {
    for (const wrong of [
      "collector:4318",
      "grpc://collector",
      "http://user:hunter2@collector",
      "http://collector?a",
      "",
    ])
      assert.throws(
        () => parseSettings({ CONNACK_OTLP_ENDPOINT: wrong }),
        (error: Error) => /CONNACK_OTLP_ENDPOINT/.test(error.message) && !error.message.includes("hunter2"),
        wrong,
      );
    const { otlpEndpoint } = parseSettings({ CONNACK_OTLP_ENDPOINT: "http://collector:4318/base/" });
    assert.equal(otlpEndpoint, "http://collector:4318/base");
  });

  it("makes a server send what it has when it is stopped", async () => {
    await using collector = await startEndpoint(status(200));
    await using connack = startMain(sendingTo(collector));
    const url = (await connack.printed(/http:\/\/\S+/)).trim();
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0, connack.output());
    assert.deepEqual(
      spansAt(collector).map(({ name }) => name),
      ["GET /healthz"],
    );
  });
});
