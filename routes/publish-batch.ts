import { CallerLeft } from "../src/connection/operations.ts";
import { acknowledgementTimeout } from "../src/connection/publish-problems.ts";
import type { Publisher, Submission } from "../src/connection/publisher.ts";
import type { PublishMessage } from "../src/mqtt/message.ts";
import { Problem } from "../src/problem.ts";
import type { Outcome } from "./publish-answer.ts";

/**
 * Submits all messages in order, waiting for none before the next, and gives what became of each after `waitMs` at most.
 * What is a problem already stays one. When the caller has gone, what was not sent is not sent any more.
 *
 * @throws {CallerLeft}
 */
export function publishAll(
  publisher: Publisher,
  messages: readonly (PublishMessage | Problem)[],
  waitMs: number,
  caller: { readonly signal: AbortSignal },
): Promise<readonly Outcome[]> {
  return new Promise((resolve, reject) => {
    const outcomes: (Outcome | null)[] = messages.map((one) => (one instanceof Problem ? one : null));
    const submissions: (Submission | null)[] = [];
    let left = outcomes.filter((outcome) => outcome === null).length;
    const { signal } = caller;
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      resolve(outcomes as readonly Outcome[]);
    };
    const expire = () => {
      for (const [index, submission] of submissions.entries()) {
        if (outcomes[index] === null && submission !== null)
          outcomes[index] = acknowledgementTimeout(submission.cancel(), waitMs);
      }
      finish();
    };
    const leave = () => {
      clearTimeout(timer);
      for (const [index, submission] of submissions.entries())
        if (outcomes[index] === null) submission?.cancel();
      reject(new CallerLeft());
    };
    const timer = setTimeout(expire, waitMs);
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    for (const [index, message] of messages.entries()) {
      if (message instanceof Problem) submissions.push(null);
      else
        submissions.push(
          publisher.submit(message, (outcome) => {
            outcomes[index] = outcome;
            left -= 1;
            if (left === 0) finish();
          }),
        );
    }
    if (left === 0) finish();
    return undefined;
  });
}

/**
 * Publishes a message whose outcome is there at once, as it is at QoS 0 unless the network is behind. Null when it is
 * not: then nothing has been sent.
 */
export function publishNow(publisher: Publisher, message: PublishMessage): Outcome | null {
  let outcome: Outcome | null = null;
  const submission = publisher.submit(message, (result) => {
    outcome = result;
  });
  if (outcome === null) submission.cancel();
  return outcome;
}
