import type { NatsConnection } from "@nats-io/nats-core";

/** When a token was used last, as a node tells it that does not own the tokens. */
export interface Use {
  readonly id: string;
  /** In epoch milliseconds. */
  readonly lastUsedAt: number | null;
}

/** As many as there may be in a message. */
const mostInMessage = 1_000;
const form = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Brings to the owner of shard 0 which tokens were used at other nodes. Nobody waits for it, and what is lost on the way is
 * lost: the next minute tells of those that are used still.
 */
export class Uses {
  readonly #connection: NatsConnection;
  readonly #subject: string;

  constructor(connection: NatsConnection, name: string) {
    this.#connection = connection;
    this.#subject = `${name}.0.uses`;
  }

  tell(uses: readonly Use[]): void {
    for (let from = 0; from < uses.length; from += mostInMessage)
      this.#connection.publish(this.#subject, JSON.stringify(uses.slice(from, from + mostInMessage)));
  }

  /** Calls `listener` with what nodes tell, this one too, until the returned function is called. */
  listen(listener: (uses: readonly Use[]) => void): () => void {
    const subscription = this.#connection.subscribe(this.#subject, {
      callback: (error, message) => {
        if (error === null) listener(read(message.string()));
      },
    });
    return () => subscription.unsubscribe();
  }
}

/** What is of another form, as a newer version's may be, says nothing. */
function read(text: string): Use[] {
  try {
    const uses: unknown = JSON.parse(text);
    return Array.isArray(uses) ? uses.filter(isUse) : [];
  } catch {
    return [];
  }
}

function isUse(use: unknown): use is Use {
  if (typeof use !== "object" || use === null) return false;
  const { id, lastUsedAt } = use as Partial<Record<keyof Use, unknown>>;
  return typeof id === "string" && form.test(id) && (typeof lastUsedAt === "number" || lastUsedAt === null);
}
