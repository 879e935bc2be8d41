import { Expiry } from "../access/expiry.ts";
import { Tokens } from "../access/tokens.ts";
import type { TokenView } from "../access/token-record.ts";
import { tokenRequestSchema } from "../access/token-request.ts";
import { defaultTenant } from "../access/principal.ts";
import { systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Settings } from "../settings.ts";
import { StoreInUse } from "../store/in-use.ts";
import { openStore } from "../store/open.ts";
import type { TokenFields } from "./token-arguments.ts";
import { UsageError } from "./usage-error.ts";

/** Where tokens are: in a store of ours, or at a server. */
export interface TokenPlace extends AsyncDisposable {
  create(fields: TokenFields): Promise<{ readonly id: string; readonly token: string }>;
  /** All of them, in the order in which they were made. */
  list(): AsyncIterable<TokenView>;
  revoke(id: string): Promise<void>;
}

const createdBy = "cli";
/** A server does not let go of its store, so that waiting helps against another command only. */
const busyTimeoutMs = 1_000;

/**
 * The tokens of the store that the settings name, which is this process's as long as it takes.
 *
 * @throws {UsageError} where it is in use, or forgets what it is told
 */
export async function openTokenStore(settings: Settings, logger: Logger): Promise<TokenPlace> {
  if (settings.store.kind === "memory")
    throw new UsageError(
      "CONNACK_STORE=memory keeps no tokens: name a store, or use --server http://127.0.0.1:8080 with CONNACK_ADMIN_TOKEN",
    );
  if (settings.store.kind === "nats")
    throw new UsageError(
      "the tokens of a cluster are made by one of its nodes: use --server http://127.0.0.1:8080 with CONNACK_ADMIN_TOKEN",
    );
  const store = await openStore(settings.store, settings.storeMaxBytes, busyTimeoutMs).catch(sayInUse);
  try {
    const lease = await store.acquire();
    const { maxTokens, tenantMaxTokens } = settings;
    const expiry = new Expiry(systemClock.wall);
    const tokens = new Tokens({
      store,
      lease,
      logger,
      maxTokens,
      tenantMaxTokens,
      expiry,
      clock: systemClock,
    });
    await tokens.restore();
    return {
      create: async (fields) => {
        const request = tokenRequestSchema.parse(fields);
        const { view, token } = await tokens.create(request, request.tenant ?? defaultTenant, createdBy);
        return { id: view.id, token };
      },
      async *list() {
        for (let after: string | null = null; ;) {
          const page = tokens.list(null, 1_000, after);
          yield* page.items;
          after = page.next;
          if (after === null) return;
        }
      },
      revoke: (id) => tokens.revoke(id, () => true),
      async [Symbol.asyncDispose]() {
        expiry[Symbol.dispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function sayInUse(error: unknown): never {
  if (!(error instanceof StoreInUse)) throw error;
  throw new UsageError(
    "the store is in use by a running server; use --server http://127.0.0.1:8080 with CONNACK_ADMIN_TOKEN",
    { cause: error },
  );
}
