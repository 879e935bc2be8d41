/** How much is said: each level includes those before it. */
export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logs, one line each. Fields are encoded as JSON, so that control characters in them cannot start a new line. */
export interface Logger {
  readonly level: LogLevel;
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly write: (line: string) => void;
  readonly now: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  const most = logLevels.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(level) > most) return;
      const time = new Date(options.now()).toISOString();
      options.write(
        options.format === "json"
          ? `${escapeControls(JSON.stringify({ time, level, message, ...fields }))}\n`
          : `${time} ${level.padEnd(5)} ${escapeControls(message)}${textFields(fields)}\n`,
      );
    };
  return { level: options.level, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** The same log, with fields of its own on every line. */
export function withFields(logger: Logger, own: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      logger[level](message, { ...own, ...fields });
  return { level: logger.level, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

function textFields(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${escapeControls(JSON.stringify(value) ?? "undefined")}`)
    .join("");
}

/** Terminal escapes, line ends and bidirectional marks in a broker's words must not act on whoever reads the log. */
function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
