import { parseArgs } from "node:util";
import { scopes } from "../access/principal.ts";
import { tokenRequestSchema } from "../access/token-request.ts";
import { UsageError } from "./usage-error.ts";

export const tokenHelp = `connack token: makes, lists and revokes tokens

Usage:
  connack token create --name NAME --scopes LIST [--tenant TENANT] [--publish FILTER]... [--subscribe FILTER]... [--expires TIME]
  connack token list [--json]
  connack token revoke ID

  --scopes LIST       comma-separated: ${scopes.join(", ")}
  --tenant TENANT     whose things the token sees (default: default)
  --publish FILTER    it publishes to topics that match one of these only
  --subscribe FILTER  it subscribes to what one of these covers only
  --expires TIME      as 90m, 12h, 30d, or a time of RFC 3339
  --server URL        asks a running server, with CONNACK_ADMIN_TOKEN or CONNACK_ADMIN_TOKEN_FILE from the environment,
                      which may be any token with the scope admin, for those of its tenant;
                      otherwise the store that the settings name is opened, which no server may have open
  --config FILE       settings, as for the server

The token goes to standard output, alone on one line, this once.
`;

/** What a token is asked for with, as it goes over HTTP. */
export interface TokenFields {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly tenant?: string;
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly expiresAt?: string;
}

export type TokenCommand =
  | { readonly kind: "help" }
  | { readonly kind: "create"; readonly fields: TokenFields }
  | { readonly kind: "list"; readonly json: boolean }
  | { readonly kind: "revoke"; readonly id: string };

export interface TokenArguments {
  readonly command: TokenCommand;
  readonly server: string | null;
  readonly config: string | null;
}

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const flag = { type: "boolean" } as const;
const options = {
  ...{ name: text, scopes: text, tenant: text, expires: text, server: text, config: text },
  ...{ publish: texts, subscribe: texts, json: flag, help: flag },
};

/** Which options belong to which command, besides those of all. */
const own: Readonly<Record<string, readonly string[]>> = {
  create: ["name", "scopes", "tenant", "expires", "publish", "subscribe"],
  list: ["json"],
  revoke: [],
};

/**
 * Reads what follows `token`; `now` is the time, in milliseconds since the epoch.
 *
 * @throws {UsageError} which repeats no argument that is not wanted: it may be a token
 */
export function parseTokenArguments(argv: readonly string[], now: number): TokenArguments {
  const { values, positionals } = parse(argv);
  const [kind = "", ...rest] = positionals;
  const place = { server: values.server ?? null, config: values.config ?? null };
  if (values.help === true) return { command: { kind: "help" }, ...place };
  const allowed = own[kind];
  if (!Object.hasOwn(own, kind) || allowed === undefined)
    throw new UsageError("connack token: expected create, list or revoke; see connack token --help");
  for (const name of Object.keys(values))
    if (![...allowed, "server", "config"].includes(name))
      throw new UsageError(`--${name}: is not for connack token ${kind}; see connack token --help`);
  if (rest.length > (kind === "revoke" ? 1 : 0))
    throw new UsageError(`connack token ${kind}: has more arguments than it takes; see connack token --help`);
  if (kind === "list") return { command: { kind, json: values.json === true }, ...place };
  if (kind === "revoke") return { command: { kind, id: idOf(rest[0]) }, ...place };
  return { command: { kind: "create", fields: fieldsOf(values, now) }, ...place };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    const named = argv.map((arg) => /^--[a-z-]+/.exec(arg)?.[0]).find((name) => !isOption(name));
    // The parser's own words may repeat what stands beside the name.
    const what =
      named === undefined
        ? "an option has no value, or one that it does not take"
        : `${named}: no such option`;
    throw new UsageError(`${what}; see connack token --help`, { cause: error });
  }
}

function isOption(name: string | undefined): boolean {
  return name === undefined || Object.hasOwn(options, name.slice(2));
}

function idOf(id: string | undefined): string {
  if (id?.startsWith("cnk_"))
    throw new UsageError(
      "A token on a command line can be seen by others; revoke it by its id, t_ and the 16 characters after cnk_",
    );
  if (id === undefined || !/^(t_[0-9a-f]{16}|admin)$/.test(id))
    throw new UsageError("connack token revoke: expected the id of a token, as connack token list shows it");
  return id;
}

function fieldsOf(values: ReturnType<typeof parse>["values"], now: number): TokenFields {
  const { name, tenant, publish, subscribe, expires } = values;
  const fields = {
    name: name ?? "",
    scopes: (values.scopes ?? "")
      .split(",")
      .map((scope) => scope.trim())
      .filter(Boolean),
    ...(tenant === undefined ? {} : { tenant }),
    ...(publish === undefined ? {} : { publish }),
    ...(subscribe === undefined ? {} : { subscribe }),
    ...(expires === undefined ? {} : { expiresAt: instantOf(expires, now) }),
  };
  const parsed = tokenRequestSchema.safeParse(fields);
  if (parsed.success) return fields;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const field = String(path[0]);
    return `--${field === "expiresAt" ? "expires" : field}: ${message}`;
  });
  throw new UsageError([...new Set(lines)].join("\n"));
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function instantOf(text: string, now: number): string {
  const [, count, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined) return text;
  return new Date(now + Number(count) * (unitMs[unit] ?? 0)).toISOString();
}
