import assert from "node:assert/strict";
import { request } from "node:http";
import type { Answer } from "../support/app.ts";
import { assertLimited, inLimitScene, readMetrics, type LimitScene } from "../support/limit-scene.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

/** A limit, the value that makes it small, and how to go over it. */
interface Row {
  /** Without `CONNACK_`. */
  readonly setting: string;
  readonly value: number;
  readonly code?: string;
  /** Whether a tenant has a part of its own, `CONNACK_TENANT_…`. */
  readonly isShared: boolean;
  /** The answer that refuses. */
  readonly hit: (scene: LimitScene) => Promise<Answer>;
}

const text = { "content-type": "text/plain" };

async function stuck({ call, silent }: LimitScene): Promise<Answer> {
  const opened = await call("PUT", "/connections/stuck", { url: silent });
  assert.equal(opened.status, 201, opened.text);
  const publish = (signal?: AbortSignal) =>
    call("POST", "/connections/stuck/publish?topic=a&qos=1&wait=20", "x", text, signal);
  const caller = new AbortController();
  const first = publish(caller.signal).catch(() => null);
  // Under way as soon as the view shows it.
  for (;;) if ((await call("GET", "/connections/stuck")).body.counters.inflight === 1) break;
  const refused = await publish();
  caller.abort();
  await first;
  return refused;
}

async function queued({ call }: LimitScene): Promise<Answer> {
  const nowhere = { url: "mqtt://127.0.0.1:1" };
  const put = await call("PUT", "/connections/away", nowhere, { prefer: "respond-async" });
  assert.equal(put.status, 202, put.text);
  const queue = () => call("POST", "/connections/away/publish?topic=a&qos=1&queue=60", "x".repeat(100), text);
  const first = await queue();
  assert.equal(first.status, 202, first.text);
  return queue();
}

async function waiting({ call }: LimitScene): Promise<Answer> {
  const { body } = await call("GET", "/connections/home");
  const caller = new AbortController();
  const wait = (signal?: AbortSignal) =>
    call("GET", `/connections/home?wait=20&since=${body.version}`, undefined, {}, signal);
  const first = wait(caller.signal).catch(() => null);
  // One of the two has the place, and the other is refused.
  const second = await Promise.race([wait(caller.signal).catch(() => null), first]);
  caller.abort();
  assert.ok(second !== null);
  return second;
}

/** A body that has been announced, and does not come. */
async function reading({ app, call }: LimitScene): Promise<Answer> {
  const headers = { ...text, "content-length": "1000" };
  const slow = request(`${app.url}/connections`, { method: "POST", headers });
  slow.on("error", () => {});
  slow.write("{");
  const isRead = ([name, used]: readonly [string, number]) =>
    /limit_used\{limit="\w+_BODY_BYTES"/.test(name) && used > 0;
  while (![...(await readMetrics(app))].some(isRead));
  const refused = await call("POST", "/connections", { url: "x".repeat(100) });
  slow.destroy();
  return refused;
}

async function often({ call }: LimitScene): Promise<Answer> {
  for (;;) {
    const answers = await Promise.all(Array.from({ length: 60 }, () => call("GET", "/version")));
    const refused = answers.find(({ status }) => status === 429);
    if (refused !== undefined) return refused;
  }
}

const subscribe = ({ call }: LimitScene) =>
  call("POST", "/connections/home/subscriptions", { topicFilter: "more", qos: 0 });

const rows: readonly Row[] = [
  {
    setting: "MAX_CONNECTIONS",
    value: 1,
    isShared: true,
    hit: ({ call, silent }) => call("POST", "/connections", { url: silent }),
  },
  {
    setting: "MAX_STREAMS",
    value: 1,
    isShared: true,
    hit: ({ call }) => call("GET", "/events", undefined, { accept: "text/event-stream" }),
  },
  { setting: "MAX_WAITS", value: 1, isShared: true, hit: waiting },
  {
    setting: "MAX_WEBHOOKS",
    value: 1,
    isShared: true,
    hit: async ({ call, silent }) => {
      const hook = { url: silent.replace("mqtt", "http"), connection: "home", events: ["closed"] };
      const first = await call("POST", "/webhooks", hook);
      assert.equal(first.status, 201, first.text);
      return call("POST", "/webhooks", hook);
    },
  },
  { setting: "MAX_TOTAL_SUBSCRIPTIONS", value: 1, isShared: true, hit: subscribe },
  {
    setting: "MAX_TOTAL_SUBSCRIPTIONS",
    value: 2,
    isShared: true,
    hit: ({ call, silent }) => {
      const subscriptions = ["a", "b"].map((topicFilter) => ({ topicFilter, qos: 0 }));
      return call("POST", "/connections", { url: silent, subscriptions });
    },
  },
  { setting: "MAX_TOTAL_INFLIGHT", value: 1, isShared: true, hit: stuck },
  { setting: "MAX_TOTAL_OUTBOX_BYTES", value: 1_024, isShared: true, hit: queued },
  { setting: "MAX_TOTAL_BODY_BYTES", value: 1_024, isShared: true, hit: reading },
  { setting: "MAX_REQUESTS_PER_SECOND", value: 50, code: "rate-limited", isShared: true, hit: often },
  {
    setting: "MAX_ATTEMPTS_PER_MINUTE",
    value: 2,
    code: "attempts-limited",
    isShared: true,
    hit: async ({ call, silent }) => {
      const probed = await call("POST", "/probe", { url: silent });
      assert.equal(probed.body.ok, true, probed.text);
      return call("POST", "/connections", { url: silent });
    },
  },
  {
    setting: "MAX_ATTEMPTS_PER_MINUTE",
    value: 1,
    code: "attempts-limited",
    isShared: true,
    hit: ({ call, silent }) => call("POST", "/probe", { url: silent }),
  },
  { setting: "MAX_SUBSCRIPTIONS", value: 1, isShared: false, hit: subscribe },
  { setting: "MAX_INFLIGHT", value: 1, isShared: false, hit: stuck },
  { setting: "MAX_OUTBOX", value: 1, isShared: false, hit: queued },
  { setting: "MAX_OUTBOX_BYTES", value: 1_024, isShared: false, hit: queuedMuch },
];

async function queuedMuch(scene: LimitScene): Promise<Answer> {
  await queued(scene);
  const big = "x".repeat(1_000);
  return scene.call("POST", "/connections/away/publish?topic=a&qos=1&queue=60", big, text);
}

/** What is too large at once. */
const tooLarge: readonly Pick<Row, "setting" | "value" | "hit">[] = [
  {
    setting: "MAX_BODY_BYTES",
    value: 1_024,
    hit: ({ call }) => call("POST", "/probe", { url: "x".repeat(2_000) }),
  },
  {
    setting: "MAX_PAYLOAD_BYTES",
    value: 100,
    hit: ({ call }) => call("POST", "/connections/home/publish?topic=t/big", "x".repeat(101), text),
  },
];

describe("limits", () => {
  for (const { setting, value, hit } of tooLarge) {
    const name = `CONNACK_${setting}`;
    it(
      `${name}=${value}: 413, counted, and existing work goes on`,
      () =>
        inLimitScene({ [name]: String(value) }, "t", async (scene) => {
          const { status, body } = await hit(scene);
          assert.equal(status, 413);
          assert.deepEqual(body.limit, { name, value });
          const metrics = await readMetrics(scene.app);
          assert.equal(metrics.get(`connack_limit_refused_total{limit="${name}"}`), 1);
        }),
      { skip: needs("mosquitto"), timeout: 20_000 },
    );
  }

  for (const { setting, value, code = "limit-reached", isShared, hit } of rows) {
    for (const [prefix, tenant] of isShared
      ? ([
          ["", "default"],
          ["TENANT_", "t"],
        ] as const)
      : ([["", "t"]] as const)) {
      const name = `CONNACK_${prefix}${setting}`;
      it(
        `${name}=${value}: 429 ${code} with Retry-After, counted, and existing work goes on`,
        () =>
          inLimitScene({ [name]: String(value) }, tenant, async (scene) => {
            const before = (await readMetrics(scene.app)).get(`connack_limit_refused_total{limit="${name}"}`);
            assertLimited(await hit(scene), code, name);
            const metrics = await readMetrics(scene.app);
            const refused = metrics.get(`connack_limit_refused_total{limit="${name}"}`) ?? 0;
            assert.ok(refused > (before ?? 0), `${refused} refusals, ${before} before`);
            assert.ok((metrics.get(`connack_problems_total{code="${code}"}`) ?? 0) >= 1);
            if (!isShared) return;
            assert.equal(metrics.get(`connack_limit_max{limit="${name}"}`), value);
            assert.ok((metrics.get(`connack_limit_used{limit="${name}"}`) ?? 0) <= value);
          }),
        { skip: needs("mosquitto"), timeout: 20_000 },
      );
    }
  }
});
