import assert from "node:assert/strict";
import { createApp, type ConnackApp } from "../../src/app.ts";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { ClusterApp } from "../../src/cluster-app.ts";
import { createLogger, type Logger } from "../../src/log.ts";
import { serve } from "../../src/serve.ts";
import { parseSettings, type Settings } from "../../src/settings.ts";
import { CheckedAnswers } from "./checked-answers.ts";
import { answerRules } from "./document-of-run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { environmentWithTokens, withTokenForAll } from "./token-for-all.ts";
import { readEvents, type EventReader } from "./event-reader.ts";

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, untyped on purpose: tests look into it. */
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** Connack behind a real socket of the runtime that runs the test. */
export interface TestApp extends AsyncDisposable {
  readonly app: ConnackApp;
  readonly url: string;
  /** All that was logged, at debug level. */
  readonly logs: readonly string[];
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** POST /connections. */
  open(request: object, query?: string): Promise<Answer>;
  /** Opens an SSE stream; headers have arrived when it resolves. */
  events(path: string, headers?: Record<string, string>): Promise<EventReader>;
  stop(): Promise<void>;
}

export interface TestOptions {
  /** Why answers are not held against the document: what the test measures would be another thing. */
  readonly unchecked?: string;
}

async function openNode(settings: Settings, logger: Logger): Promise<ConnackApp> {
  const app = new ClusterApp(settings, logger, "0.0.0-test");
  try {
    await app.open();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

/**
 * `environment` is that of the process, with the `CONNACK_` names. The store is in memory unless it says otherwise, or,
 * so that a whole suite runs with it, CONNACK_TEST_STORE=sqlite does; and access control is off, unless it says otherwise,
 * or CONNACK_TEST_ACCESS=tokens does. With a store on NATS it is one node of a cluster, which `overrides` do not reach. Every answer, whoever asked for it, is held against the document: one that is not
 * as that has it fails the call, or the end of the app.
 */
export async function startApp(
  environment: Record<string, string> = {},
  overrides: AppOverrides = {},
  { unchecked }: TestOptions = {},
): Promise<TestApp> {
  const logs: string[] = [];
  const logger = createLogger({
    level: "debug",
    format: "json",
    write: (line) => logs.push(line),
    now: Date.now,
  });
  await using opened = new AsyncDisposableStack();
  const onDisk = process.env["CONNACK_TEST_STORE"] === "sqlite" && environment["CONNACK_STORE"] === undefined;
  const isOwn = Object.keys(environment).some((name) => /_(TOKEN|JWT|EGRESS)/.test(name));
  const forAll =
    process.env["CONNACK_TEST_ACCESS"] === "tokens" && !isOwn && overrides.principal === undefined;
  const directory = onDisk ? opened.use(temporaryDirectory()) : null;
  const settings = parseSettings({
    ...(directory === null
      ? { CONNACK_STORE: "memory" }
      : { CONNACK_STORE: `sqlite:${directory.path}/connack.db`, CONNACK_SECRET_KEY: "00".repeat(32) }),
    CONNACK_SHUTDOWN_GRACE_MS: "2000",
    ...(forAll ? environmentWithTokens : {}),
    ...environment,
  });
  const app =
    settings.store.kind === "nats"
      ? await openNode(settings, logger)
      : await createApp(settings, logger, "0.0.0-test", overrides);
  const fetchApp = forAll ? await withTokenForAll(app) : app.fetch;
  const answers = unchecked === undefined ? new CheckedAnswers(await answerRules()) : null;
  const serving = serve({ ...app, fetch: answers?.of(fetchApp) ?? fetchApp }, "127.0.0.1", 0, {
    limits: settings,
  });
  app.listening(serving.hostname, serving.port);
  const url = `http://127.0.0.1:${serving.port}`;
  const call: TestApp["call"] = async (method, path, body, headers = {}, signal) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    answers?.assertDocumented();
    const isJson =
      /json/.test(response.headers.get("content-type") ?? "") &&
      !/ndjson/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== "" ? JSON.parse(text) : null,
    };
  };
  let stopped: Promise<void> | undefined;
  const stop = () =>
    (stopped ??= (async () => {
      await app.close();
      await serving.stop();
      await scope.disposeAsync();
      answers?.assertDocumented();
    })());
  const scope = opened.move();
  return {
    app,
    url,
    logs,
    call,
    open: (request, query = "") => call("POST", `/connections${query}`, request),
    events: async (path, headers = {}) => {
      const controller = new AbortController();
      const response = await fetch(`${url}${path}`, { headers, signal: controller.signal });
      assert.equal(response.status, 200, await (response.status === 200 ? "" : response.text()));
      return readEvents(response, controller);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
