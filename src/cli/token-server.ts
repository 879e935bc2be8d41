import { z } from "zod";
import type { TokenView } from "../access/token-record.ts";
import type { Secret } from "../secret.ts";
import type { TokenPlace } from "./token-place.ts";
import { UsageError } from "./usage-error.ts";

const pageSchema = z.object({ items: z.array(z.unknown()), next: z.string().nullable() });
const createdSchema = z.object({ id: z.string(), token: z.string() });
const problemSchema = z.object({ detail: z.string(), hint: z.string().optional() });

const patienceMs = 30_000;

/**
 * The tokens of a running server.
 *
 * @throws {UsageError}
 */
export function askServer(address: string, adminToken: Secret | null): TokenPlace {
  const base = URL.canParse(address) ? new URL(address) : null;
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== "" || base.password !== "")
    throw new UsageError("--server: expected a URL as http://127.0.0.1:8080");
  if (adminToken === null)
    throw new UsageError(
      "--server needs a token with the scope admin in CONNACK_ADMIN_TOKEN or CONNACK_ADMIN_TOKEN_FILE",
    );
  const root = base.href.replace(/\/+$/, "");
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(root + path, {
      method,
      headers: {
        authorization: `Bearer ${adminToken.reveal()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token is for this server, not for one that it names.
      redirect: "error",
      signal: AbortSignal.timeout(patienceMs),
    }).catch((error: unknown) => {
      throw new Error(`${root} cannot be asked: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
    const text = await response.text();
    if (response.ok) return text === "" ? null : JSON.parse(text);
    throw new Error(`${root} answered ${response.status}${reasonOf(text)}`);
  };
  return {
    create: async (fields) => createdSchema.parse(await call("POST", "/tokens", fields)),
    async *list() {
      for (let cursor = ""; ;) {
        const page = pageSchema.parse(await call("GET", `/tokens?limit=1000${cursor}`));
        yield* page.items as TokenView[];
        if (page.next === null) return;
        cursor = `&cursor=${encodeURIComponent(page.next)}`;
      }
    },
    revoke: async (id) => {
      await call("DELETE", `/tokens/${encodeURIComponent(id)}`);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** What a problem says; nothing of what is none, which may be a page of a proxy's. */
function reasonOf(text: string): string {
  try {
    const parsed = problemSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return "";
    const { detail, hint } = parsed.data;
    return `: ${detail}${hint === undefined ? "" : `. ${hint}`}`;
  } catch {
    return "";
  }
}
