import type { ConnackApp } from "./app.ts";
import { configPath, readConfig } from "./config-file.ts";
import type { Logger } from "./log.ts";
import { parseSettings, SettingsError } from "./settings.ts";

const names = ["CONNACK_EGRESS_ALLOW", "CONNACK_EGRESS_DENY"] as const;

/**
 * On SIGHUP reads the allowed destinations from the `--config` file again, and nothing else: they hold at once. A file
 * that would stop a start changes nothing.
 */
export function rereadOnHangUp(
  app: Pick<ConnackApp, "changeEgress">,
  logger: Logger,
  argv: readonly string[],
): void {
  const path = configPath(argv);
  process.on("SIGHUP", () => reread(app, logger, path, process.env));
}

function reread(
  app: Pick<ConnackApp, "changeEgress">,
  logger: Logger,
  file: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  if (file === null) {
    logger.warn("SIGHUP: nothing is read again, for there is no --config file");
    return;
  }
  try {
    const { egressAllow: allow, egressDeny: deny } = parseSettings(environment, readConfig(file));
    for (const name of names.filter((each) => environment[each] !== undefined))
      logger.warn(`SIGHUP: ${name} stays as it is, for the environment wins over the file`);
    const ended = app.changeEgress({ allow, deny });
    logger.info("SIGHUP: the allowed destinations were read again", { file, ended });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    logger.error("SIGHUP: nothing was changed, for the file is wrong", { file, error: error.message });
  }
}
