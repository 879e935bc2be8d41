import { prepareApp } from "../../src/app.ts";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { createLogger } from "../../src/log.ts";
import { serve } from "../../src/serve.ts";
import { parseSettings } from "../../src/settings.ts";
import type { StartingApp } from "../../src/starting-app.ts";
import type { Answer } from "./app.ts";

/** An app that listens, and whose store is being opened. */
export interface Starting extends AsyncDisposable {
  readonly app: StartingApp;
  readonly url: string;
  /** As `open()` of the app. */
  readonly opened: Promise<void>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** What `/readyz` tells of progress, when that is as `wanted`. */
  progress(wanted: (progress: Answer["body"]) => boolean): Promise<Answer["body"]>;
}

export function startOpening(environment: Record<string, string>, overrides: AppOverrides = {}): Starting {
  const logger = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
  const settings = parseSettings({ CONNACK_SHUTDOWN_GRACE_MS: "2000", ...environment });
  const app = prepareApp(settings, logger, "0.0.0-test", overrides);
  const serving = serve(app, "127.0.0.1", 0, { limits: settings });
  app.listening(serving.hostname, serving.port);
  const opened = app.open();
  // Whoever waits for it is told.
  opened.catch(() => {});
  const url = `http://127.0.0.1:${serving.port}`;
  const call: Starting["call"] = (method, path, body, headers) => callAt(url, method, path, body, headers);
  return {
    app,
    url,
    opened,
    call,
    progress: (wanted) => Promise.race([progressAt(url, wanted), opened.then(() => new Promise(() => {}))]),
    async [Symbol.asyncDispose]() {
      await app.close();
      await serving.stop();
    },
  };
}

export async function callAt(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : null,
  };
}

/** Asks until it is so, from when the server listens on. */
export async function progressAt(
  url: string,
  wanted: (progress: Answer["body"]) => boolean,
): Promise<Answer["body"]> {
  for (;;) {
    const answer = await callAt(url, "GET", "/readyz").catch(() => null);
    if (answer !== null && wanted(answer.body.progress)) return answer.body.progress;
    await new Promise(setImmediate);
  }
}
