import { join } from "node:path";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { startApp, type Answer, type TestApp } from "./app.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A folder with a store, and apps that use it one after another. */
export interface DurablePlace extends AsyncDisposable {
  readonly file: string;
  /** The environment of whoever uses the store. */
  readonly environment: Record<string, string>;
  /** Starts an app on the store, with another environment if need be; the one before must have stopped. */
  start(environment?: Record<string, string>, overrides?: AppOverrides): Promise<TestApp>;
}

/** 32 bytes that seal what is secret. */
export const secretKey = Buffer.alloc(32, 7).toString("base64");

export function durablePlace(): DurablePlace {
  const directory = temporaryDirectory();
  const file = join(directory.path, "connack.db");
  const environment = { CONNACK_STORE: `sqlite:${file}`, CONNACK_SECRET_KEY: secretKey };
  const apps: TestApp[] = [];
  return {
    file,
    environment,
    async start(more = environment, overrides = {}) {
      const app = await startApp(more, overrides);
      apps.push(app);
      return app;
    },
    async [Symbol.asyncDispose]() {
      for (const app of apps) await app.stop();
      directory[Symbol.dispose]();
    },
  };
}

/** Resolves with the view when the connection is in this state. */
export async function inState(app: TestApp, id: string, state: string): Promise<Answer["body"]> {
  for (let since = ""; ;) {
    const { body, status, text } = await app.call("GET", `/connections/${id}${since}`);
    if (status !== 200) throw new Error(text);
    if (body.state === state) return body;
    since = `?wait=20&since=${body.version}`;
  }
}
