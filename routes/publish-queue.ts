import { createHash } from "node:crypto";
import type { Connection } from "../src/connection/connection.ts";
import { closedMeanwhile } from "../src/connection/problems.ts";
import { checkAhead } from "../src/connection/publish-limits.ts";
import type { PublishMessage } from "../src/mqtt/message.ts";
import { Problem } from "../src/problem.ts";
import { answered } from "../src/store/answered.ts";
import { storeProblem } from "../src/store/problems.ts";
import { StoreError } from "../src/store/store.ts";
import { resultOf } from "./publish-answer.ts";
import { invalidParameters } from "./publish-query.ts";

/** A message that is kept, as it is shown. */
export type Accepted = Record<string, unknown>;

/**
 * Accepts a message to be published when the connection is up; resolves when it is kept.
 *
 * @throws {Problem} `invalid-request`, `broker-limit`, `limit-reached`, `connection-closed`, `temporarily-not-connected`
 * @throws {StoreError}
 */
export async function enqueue(
  connection: Connection,
  message: PublishMessage,
  seconds: number,
  idempotencyKey: string | null,
): Promise<Accepted> {
  const { machine, session, id } = connection;
  const { outbox } = session.parts;
  if (outbox === null)
    throw wrong("queue", "needs a connection that is durable, so that what is accepted is not lost");
  const { state } = machine;
  if (state.name === "closing" || state.name === "closed" || connection.isForgotten)
    throw closedMeanwhile(machine);
  // It may be gone in a moment, and what it had accepted with it.
  if (!machine.kept)
    throw new Problem("temporarily-not-connected", {
      detail:
        "The call that opens the connection is still under way, and it is not kept before that has succeeded",
      state: state.name,
      retryAfterSeconds: 1,
    });
  if (message.properties?.topicAlias !== undefined)
    throw wrong("topicAlias", "belongs to one network connection, and cannot be given with queue");
  const refusal = checkAhead(message, machine, connection.request.protocolVersion);
  if (refusal !== null) throw refusal;
  const entryId = idempotencyKey === null ? null : idOf(id, idempotencyKey);
  const entry = await answered(outbox.accept(message, seconds * 1_000, entryId));
  return outbox.view(entry);
}

/** As {@link enqueue}, for several; each has a result of its own. */
export async function enqueueAll(
  connection: Connection,
  messages: readonly (PublishMessage | Problem)[],
  seconds: number,
  idempotencyKey: string | null,
): Promise<readonly string[]> {
  return Promise.all(
    messages.map(async (message, index) => {
      if (message instanceof Problem) return resultOf(message);
      try {
        const key = idempotencyKey === null ? null : `${idempotencyKey}\n${index}`;
        return JSON.stringify({ status: 202, ...(await enqueue(connection, message, seconds, key)) });
      } catch (error) {
        if (error instanceof StoreError) return resultOf(storeProblem(error));
        if (error instanceof Problem) return resultOf(error);
        throw error;
      }
    }),
  );
}

function wrong(parameter: string, detail: string): Problem {
  return invalidParameters([{ parameter, detail }]);
}

/** The same call again, also after a crash in between, finds what it accepted before. */
function idOf(connectionId: string, key: string): string {
  return `o_${createHash("sha256").update(`${connectionId}\n${key}`).digest("hex").slice(0, 32)}`;
}
