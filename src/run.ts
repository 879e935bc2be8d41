import manifest from "../package.json" with { type: "json" };
import { readAdminToken } from "./admin-token-file.ts";
import { prepareApp, type ConnackApp } from "./app.ts";
import type { AppOverrides } from "./app-overrides.ts";
import { ClusterApp } from "./cluster-app.ts";
import { configPath, readConfig } from "./config-file.ts";
import { rereadOnHangUp } from "./hang-up.ts";
import { listen } from "./listen.ts";
import { createLogger } from "./log.ts";
import { tellProgress } from "./progress/tell.ts";
import { TransientLine } from "./progress/transient-line.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import { readCertificate, type Certificate } from "./serve/certificate.ts";
import type { Serving } from "./serve.ts";
import { camelCase, parseSettings, settingsTable, SettingsError, type Settings } from "./settings.ts";

/** What `--help` prints. */
function helpText(): string {
  const names = Object.entries(settingsTable).map(([name, { sentence, fallback, shownDefault }]) => {
    const shown = shownDefault ?? (typeof fallback === "string" ? fallback : JSON.stringify(fallback));
    return `  CONNACK_${name}  (default ${plain(shown)})\n      ${plain(sentence)}`;
  });
  return `connack: an HTTP bridge to MQTT brokers

Usage: connack [serve] [--config FILE] [--help] [--version]
       connack token create|list|revoke (connack token --help)
       connack probe URL                (connack probe --help)
       connack healthcheck              (connack healthcheck --help)

In a checkout of its sources, "bun start" stands for connack.

  --config FILE  settings from a JSON object, by name in camelCase without the prefix (${camelCase("MAX_STREAMS")});
                 the environment wins; after SIGHUP the CONNACK_EGRESS_ ones are read again

Settings, from the environment:
${names.join("\n")}
`;
}

/** What is in the README without its marks and links, which mean nothing on a terminal. */
function plain(sentence: string): string {
  return sentence.replaceAll("\u0060", "").replaceAll(/\[([^\]]+)\]\(#[^)]+\)/g, "“$1” in README.md");
}

/**
 * Reads the settings of this process: a `--config` file under the environment; `secretKey` has the keys of its file, too.
 * Ends the process where they are wrong; null where the command line asked for a text, which has been printed.
 */
export function loadSettings(argv: readonly string[]): Settings | null {
  const text = argv.includes("--help")
    ? helpText()
    : argv.includes("--version")
      ? `${manifest.version}\n`
      : null;
  if (text !== null) {
    process.stdout.write(text);
    return null;
  }
  try {
    const unknown = argv.find((arg, i) => arg !== "--config" && argv[i - 1] !== "--config");
    if (unknown !== undefined) {
      const what = unknown.startsWith("-") ? "no such option" : "no arguments are taken";
      throw new SettingsError(`${unknown}: ${what}; see --help`);
    }
    const settings = parseSettings(process.env, readConfig(configPath(argv)));
    return { ...settings, secretKey: readSecretKeys(settings), adminToken: readAdminToken(settings) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

export interface StartOptions {
  /** Runs when all connections are closed. */
  readonly onStopped?: () => Promise<void>;
  /** Where the port is taken, take any. */
  readonly orAnyPort?: boolean;
  readonly overrides?: AppOverrides;
}

/** A service that runs. */
export interface Started extends Serving, Pick<ConnackApp, "fetch"> {}

/**
 * Starts the service, and stops it on SIGTERM or SIGINT: connections end with DISCONNECT, streams are told, exit 0. It
 * listens at once, so that it can be asked how it is; that it listens is printed when it takes calls, for which programs
 * wait that are to call it.
 */
export async function start(
  settings: Settings,
  { onStopped, orAnyPort = false, overrides = {} }: StartOptions = {},
): Promise<Started> {
  const isTerminal = process.stderr.isTTY;
  const format = settings.logFormat === "auto" ? (isTerminal ? "text" : "json") : settings.logFormat;
  const line = new TransientLine((text) => process.stderr.write(text));
  const write = (text: string) => line.write(text);
  const logger = createLogger({ level: settings.logLevel, format, write, now: Date.now });
  const certificate = certificateOf(settings);
  const app =
    settings.store.kind === "nats"
      ? new ClusterApp(settings, logger, manifest.version)
      : prepareApp(settings, logger, manifest.version, overrides);
  rereadOnHangUp(app, logger, process.argv.slice(2));
  const { host, port } = settings;
  const serving = await listen(app, settings, logger, { certificate, orAnyPort }).catch((error: unknown) =>
    end(`cannot listen on ${host}:${port}`, error),
  );
  app.listening(serving.hostname, serving.port);
  // One broken connection must not take the others with it; what gets here is a defect, and the log says which.
  for (const kind of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(kind, (error: unknown) =>
      logger.error(kind, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  }
  const telling = tellProgress(app.progress, logger, isTerminal && format === "text" ? line : null);
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    telling[Symbol.dispose]();
    logger.info("stopping", { signal });
    // A grace and a little more, whatever hangs.
    setTimeout(() => process.exit(0), settings.shutdownGraceMs + 2_000).unref();
    await app.close();
    await onStopped?.();
    await serving.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));
  await app.open().catch((error: unknown) => {
    // What it was that a stop has broken off is of no interest; the process ends by that.
    if (stopping) return new Promise<never>(() => {});
    telling[Symbol.dispose]();
    return refuse(error);
  });
  line.hide();
  process.stdout.write(`connack listening on ${urlOf(serving)}\n`);
  return { ...serving, fetch: app.fetch };
}

/** The store, or a key, cannot be used: better no start than one that forgets what was promised. */
function refuse(error: unknown): never {
  return end("cannot start", error);
}

function end(what: string, error: unknown): never {
  process.stderr.write(`${what}: ${error instanceof Error ? error.message : String(error)}\n`);
  return process.exit(1);
}

/** Where it can be called. */
export function urlOf({ hostname, port, secure }: Serving): string {
  return `${secure ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Before anything is opened: a file that cannot be used is wrong settings. */
function certificateOf(settings: Settings): Certificate | null {
  try {
    return readCertificate(settings);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}
