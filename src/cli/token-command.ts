import type { TokenView } from "../access/token-record.ts";
import { createLogger } from "../log.ts";
import { loadSettings } from "../run.ts";
import { parseTokenArguments, tokenHelp, type TokenCommand } from "./token-arguments.ts";
import { openTokenStore, type TokenPlace } from "./token-place.ts";
import { askServer } from "./token-server.ts";
import { UsageError } from "./usage-error.ts";

/** Runs `connack token …`; resolves with the exit status. A new token goes to standard output alone. */
export async function tokenCommand(argv: readonly string[]): Promise<number> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  try {
    const { command, server, config } = parseTokenArguments(argv, Date.now());
    if (command.kind === "help") {
      process.stdout.write(tokenHelp);
      return 0;
    }
    const settings = loadSettings(config === null ? [] : ["--config", config]);
    if (settings === null) return 0;
    const write = (line: string) => process.stderr.write(line);
    const logger = createLogger({ level: "warn", format: "text", write, now: Date.now });
    await using place =
      server === null ? await openTokenStore(settings, logger) : askServer(server, settings.adminToken);
    await perform(command, place, say);
    return 0;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function perform(
  command: Exclude<TokenCommand, { kind: "help" }>,
  place: TokenPlace,
  say: (text: string) => void,
): Promise<void> {
  switch (command.kind) {
    case "create": {
      const { id, token } = await place.create(command.fields);
      say(`made the token ${id}, which is shown this once:`);
      process.stdout.write(`${token}\n`);
      return;
    }
    case "revoke":
      await place.revoke(command.id);
      return say(`revoked the token ${command.id}`);
    case "list":
      return list(place, command.json);
    default:
      return command satisfies never;
  }
}

const columns = ["id", "tenant", "scopes", "expires", "last used", "name"];

/** A line for each: JSON, or columns with a tab between them. */
async function list(place: TokenPlace, asJson: boolean): Promise<void> {
  if (!asJson) process.stdout.write(`${columns.join("\t")}\n`);
  for await (const token of place.list())
    process.stdout.write(`${asJson ? JSON.stringify(token) : lineOf(token)}\n`);
}

function lineOf({ id, tenant, scopes, expiresAt, lastUsedAt, name }: TokenView): string {
  return [id, tenant, scopes.join(","), expiresAt ?? "never", lastUsedAt ?? "never", name].join("\t");
}
