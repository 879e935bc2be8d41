import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { parseArgs } from "node:util";
import { configPath, readConfig } from "../config-file.ts";
import { parseSettings, SettingsError, type Settings } from "../settings.ts";
import { UsageError } from "./usage-error.ts";

const healthcheckHelp = `connack healthcheck: is the server on this machine well?

Usage:
  connack healthcheck [--ready] [--url URL] [--config FILE]

  --ready        asks /readyz, whether it takes work, instead of /healthz, whether it answers
  --url URL      where the server is, as http://127.0.0.1:8080 (default: where the settings have it listen)
  --config FILE  settings, as for the server

Exit status: 0 when it is well, 1 when it is not, 2 when this is called wrongly.
`;

const patienceMs = 2_500;

/** Runs `connack healthcheck …`; resolves with the exit status. */
export async function healthcheckCommand(argv: readonly string[]): Promise<number> {
  try {
    const { values } = parse(argv);
    if (values.help === true) {
      process.stdout.write(healthcheckHelp);
      return 0;
    }
    const args = values.config === undefined ? [] : ["--config", values.config];
    const url = addressOf(values.url ?? placeOf(parseSettings(process.env, readConfig(configPath(args)))));
    url.pathname = values.ready === true ? "/readyz" : "/healthz";
    const status = await statusOf(url);
    if (status === 200) return 0;
    process.stderr.write(`${url.href} answered ${status}\n`);
    return 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError || error instanceof SettingsError ? 2 : 1;
  }
}

function parse(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({ args: [...argv], options: { url: text, config: text, ready: flag, help: flag } });
  } catch (error) {
    throw new UsageError("connack healthcheck: expected --ready, --url URL or --config FILE", {
      cause: error,
    });
  }
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw new UsageError("--url: expected a URL as http://127.0.0.1:8080");
  return url;
}

/** Where a server with these settings is called from its own machine. */
function placeOf({ host, port, tlsCertFile }: Settings): string {
  if (port === 0) throw new UsageError("CONNACK_PORT=0 is any port; give the one that was taken as --url");
  const called = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const scheme = tlsCertFile === null ? "http" : "https";
  return `${scheme}://${called.includes(":") ? `[${called}]` : called}:${port}`;
}

/** @throws {Error} where nothing answers in time */
function statusOf(url: URL): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${url.href} does not answer: ${why}`));
    const options = {
      // Its certificate is for its public name, and what is asked for and answered is no secret.
      ...(url.protocol === "https:" ? { rejectUnauthorized: false } : {}),
      headers: { connection: "close" },
    };
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options, (response) => {
      clearTimeout(timer);
      response.resume();
      response.on("error", () => {});
      resolve(response.statusCode ?? 0);
    });
    const timer = setTimeout(() => {
      request.destroy();
      fail(`nothing came within ${patienceMs} ms`);
    }, patienceMs);
    request.on("error", (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    request.end();
  });
}
