import type { ConnackApp } from "./app.ts";
import { serveOnBun, type BunRuntime } from "./serve/bun.ts";
import type { Certificate } from "./serve/certificate.ts";
import { serveOnDeno, type DenoRuntime } from "./serve/deno.ts";
import type { HttpLimits } from "./serve/limits.ts";
import type { Serving } from "./serve/serving.ts";
import { limitSettings } from "./settings/limits.ts";
import { serviceSettings } from "./settings/service.ts";

export type { Serving } from "./serve/serving.ts";

interface Runtimes {
  readonly Bun?: BunRuntime;
  readonly Deno?: DenoRuntime;
}

export interface ServeOptions {
  /** The defaults of the settings where none are given. */
  readonly limits?: HttpLimits;
  /** HTTPS, with HTTP/2 for those who ask for it. */
  readonly certificate?: Certificate | null;
}

/** Listens with the server of the runtime that runs this; the one place that knows which. */
export function serve(
  app: Pick<ConnackApp, "fetch">,
  hostname: string,
  port: number,
  { limits = defaultLimits(), certificate = null }: ServeOptions = {},
): Serving {
  const { Bun, Deno } = globalThis as Runtimes;
  if (Bun !== undefined) return serveOnBun(Bun, app, hostname, port, limits, certificate);
  if (Deno !== undefined) return serveOnDeno(Deno, app, hostname, port, limits, certificate);
  throw new Error("Connack runs on Bun or Deno");
}

function defaultLimits(): HttpLimits {
  return {
    headerTimeoutMs: limitSettings.HEADER_TIMEOUT_MS.fallback,
    maxHeaderBytes: limitSettings.MAX_HEADER_BYTES.fallback,
    bodyTimeoutMs: limitSettings.BODY_TIMEOUT_MS.fallback,
    httpIdleTimeoutMs: limitSettings.HTTP_IDLE_TIMEOUT_MS.fallback,
    maxHttpConnections: limitSettings.MAX_HTTP_CONNECTIONS.fallback,
    shutdownGraceMs: serviceSettings.SHUTDOWN_GRACE_MS.fallback,
  };
}
