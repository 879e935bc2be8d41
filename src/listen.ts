import type { ConnackApp } from "./app.ts";
import type { Logger } from "./log.ts";
import type { Certificate } from "./serve/certificate.ts";
import { serve, type Serving } from "./serve.ts";
import type { Settings } from "./settings.ts";

/** How long a process that is being replaced has to let go of the address, as of the store. */
const replacedWithinMs = 5_000;
const tryEveryMs = 100;

export interface ListenOptions {
  readonly certificate: Certificate | null;
  /** Where the port is taken, take any. */
  readonly orAnyPort: boolean;
}

/**
 * Listens where the settings say, and waits for the address where another process has it: that one may be ending.
 *
 * @throws {Error} of the runtime's, when that cannot be
 */
export async function listen(
  app: Pick<ConnackApp, "fetch">,
  settings: Settings,
  logger: Logger,
  { certificate, orAnyPort }: ListenOptions,
): Promise<Serving> {
  const { host, port } = settings;
  const options = { limits: settings, certificate };
  const until = performance.now() + replacedWithinMs;
  for (let tries = 0; ; tries += 1) {
    try {
      return serve(app, host, port, options);
    } catch (error) {
      if (orAnyPort) return serve(app, host, 0, options);
      if (!isInUse(error) || performance.now() >= until) throw error;
      if (tries === 0) logger.info("waiting for another process to let go of the address", { host, port });
      await new Promise((resolve) => setTimeout(resolve, tryEveryMs));
    }
  }
}

/** As one runtime or the other says it. */
function isInUse(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "AddrInUse" || ("code" in error && error.code === "EADDRINUSE");
}
