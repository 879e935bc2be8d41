import assert from "node:assert/strict";
import { createProblemAnswers } from "../../routes/front-problems.ts";
import { browserRules } from "../../src/access/browsers.ts";
import { createApp, type ConnackApp, type RequestContext } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { createFront, type Front } from "../../src/cluster/front.ts";
import { createLogger } from "../../src/log.ts";
import { openFollowed } from "../../src/open-access.ts";
import { serve } from "../../src/serve.ts";
import { parseSettings, type Settings } from "../../src/settings.ts";
import { processShares } from "../../src/shares.ts";
import { Streams } from "../../src/stream/streams.ts";
import type { Answer, TestApp } from "./app.ts";
import { CheckedAnswers } from "./checked-answers.ts";
import { answerRules } from "./document-of-run.ts";
import { readEvents } from "./event-reader.ts";
import { FollowedStore } from "./followed-store.ts";
import { TestCells } from "./test-cells.ts";

/** One node's front, behind a real socket. */
export interface TestFront extends Pick<TestApp, "call" | "open" | "events" | "url"> {
  readonly front: Front;
  readonly streams: Streams;
  /** It takes no new work, and tells its readers. */
  stop(): void;
}

/** Whole services, one a shard, and two nodes that take calls to them. */
export interface FrontRig extends AsyncDisposable {
  readonly cells: TestCells;
  readonly fronts: readonly [TestFront, TestFront];
  readonly front: TestFront;
  readonly apps: readonly ConnackApp[];
  readonly logs: readonly string[];
  /** Another service, which has nothing of what another one had. */
  another(): Promise<ConnackApp>;
}

export interface FrontRigOptions {
  readonly shards?: number;
  /** With `CONNACK_` names. */
  readonly environment?: Record<string, string>;
}

/** The cells have their stores in memory; where there are tokens, all have those of shard 0. */
export async function frontRig({ shards = 3, environment = {} }: FrontRigOptions = {}): Promise<FrontRig> {
  const logs: string[] = [];
  const write = (line: string) => logs.push(line);
  const logger = createLogger({ level: "debug", format: "json", write, now: Date.now });
  const settings = parseSettings({
    CONNACK_STORE: "memory",
    CONNACK_SHUTDOWN_GRACE_MS: "2000",
    ...environment,
  });
  await using opened = new AsyncDisposableStack();
  const store = new FollowedStore("home");
  const followed = opened.use(await openFollowed(settings, logger, systemClock, store.follow()));
  const shares = processShares(settings, systemClock.monotonic);
  const make = async (shard: number) => {
    const role = shard === 0 ? { store, follow: { heardUses: () => () => {} } } : { follow: followed };
    return createApp(settings, logger, "0.0.0-test", { ...role, shares });
  };
  const apps: ConnackApp[] = [];
  for (let shard = 0; shard < shards; shard += 1) apps.push(opened.use(await make(shard)));
  const cells = new TestCells(apps.map(({ fetch }) => fetch));
  const answers = new CheckedAnswers(await answerRules());
  const frontOf = () => {
    const front = opened.use(startFront(cells, settings, apps[0], answers));
    for (const app of apps) app.listening("127.0.0.1", Number(new URL(front.url).port));
    return front;
  };
  const fronts = [frontOf(), frontOf()] as const;
  const scope = opened.move();
  return {
    ...{ cells, apps, fronts, front: fronts[0], logs },
    another: async () => scope.use(await make(1)),
    async [Symbol.asyncDispose]() {
      for (const each of fronts) each.stop();
      await scope.disposeAsync();
      answers.assertDocumented();
    },
  };
}

/** A front of these cells alone, which nothing listens for. */
export function frontOf(cells: TestCells, settings: Settings, local: ConnackApp["fetch"]) {
  const { maxBodyBytes, streamWriteTimeoutMs, heartbeatMs } = settings;
  const shares = processShares(settings, systemClock.monotonic);
  const limits = { heartbeatMs, writeTimeoutMs: streamWriteTimeoutMs };
  const streams = new Streams(limits, systemClock, async () => new Set());
  const stopping = new AbortController();
  const logger = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
  let made = 0;
  const front = createFront({
    ...{ cells, maxBodyBytes, streamWriteTimeoutMs, streams, clock: systemClock, logger, local },
    // Soon, where it is by chance how soon.
    ...{ random: () => 0, bodyBytes: shares.budgets.bodyBytes, stopping: stopping.signal },
    newId: () => `c_${(made += 1)}${Math.random().toString(36).slice(2)}`,
    problemAnswer: createProblemAnswers({
      ...{ browsers: browserRules(settings), clock: systemClock, logger },
      counters: shares.counters,
    }),
  });
  const stop = () => {
    stopping.abort();
    streams.beginShutdown();
    streams.shutdown();
  };
  return { front, streams, stop };
}

function startFront(
  cells: TestCells,
  settings: Settings,
  local: ConnackApp | undefined,
  answers: CheckedAnswers,
): TestFront & AsyncDisposable {
  const { front, streams, stop } = frontOf(cells, settings, (request: Request, context?: RequestContext) => {
    assert.ok(local !== undefined);
    return local.fetch(request, context);
  });
  const serving = serve({ fetch: answers.of(front) }, "127.0.0.1", 0, { limits: settings });
  const url = `http://127.0.0.1:${serving.port}`;
  const call: TestApp["call"] = async (method, path, body, headers = {}, signal) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return answerOf(response);
  };
  return {
    ...{ front, streams, stop, url, call },
    open: (request, query = "") => call("POST", `/connections${query}`, request),
    events: async (path, headers = {}) => {
      const controller = new AbortController();
      const response = await fetch(`${url}${path}`, { headers, signal: controller.signal });
      assert.equal(response.status, 200, await (response.status === 200 ? "" : response.text()));
      return readEvents(response, controller);
    },
    async [Symbol.asyncDispose]() {
      stop();
      await serving.stop();
    },
  };
}

/** An answer, read. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const body = /^application\/(problem\+)?json/.test(type) && text !== "" ? JSON.parse(text) : null;
  return { status, headers, text, body };
}

const ofOneCall =
  /^(date|x-request-id|content-length|transfer-encoding|connection|keep-alive|ratelimit|etag)$/;

/** What of an answer is the same whoever gives it. */
export function sayingOf({ status, headers, body, text }: Answer): unknown {
  const said = [...headers].filter(([name]) => !ofOneCall.test(name));
  const { instance: _, ...rest } = body ?? {};
  return { status, headers: Object.fromEntries(said), body: body === null ? text : rest };
}
