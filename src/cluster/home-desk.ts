import type { NatsConnection, Subscription } from "@nats-io/nats-core";

/** The owner writes, which takes as long as the servers take. */
const answerWithinMs = 5_000;
const encoder = new TextEncoder();

interface Reply {
  readonly ok?: unknown;
  readonly error?: string;
}

/**
 * Asks the owner of what belongs to no connection to do something to it, for this node and not for a caller. What is asked
 * and answered is JSON.
 *
 * @throws {Error} where nobody has it, or it could not be done
 */
export async function askHome(connection: NatsConnection, name: string, what: unknown): Promise<unknown> {
  const answer = await connection.request(subjectOf(name), encoder.encode(JSON.stringify(what)), {
    timeout: answerWithinMs,
  });
  const { ok, error } = JSON.parse(answer.string()) as Reply;
  if (error !== undefined) throw new Error(error);
  return ok;
}

/** Answers those who {@link askHome}, until it is disposed of. */
export function answerAtHome(
  connection: NatsConnection,
  name: string,
  answer: (what: unknown) => Promise<unknown>,
): Disposable {
  const reply = async (text: string): Promise<Reply> => {
    try {
      return { ok: await answer(JSON.parse(text)) };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const subscription: Subscription = connection.subscribe(subjectOf(name), {
    callback: (failure, message) => {
      if (failure !== null) return;
      void reply(message.string()).then((said) => void message.respond(JSON.stringify(said)));
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

function subjectOf(name: string): string {
  return `${name}.0.home`;
}
