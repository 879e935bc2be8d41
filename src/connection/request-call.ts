import { randomBytes } from "node:crypto";
import type { PublishMessage, ReceivedMessage } from "../mqtt/message.ts";
import { parseTopicName, type TopicFilter, type TopicName } from "../mqtt/topic.ts";
import { Problem } from "../problem.ts";
import type { Link } from "./link.ts";
import type { Publisher, Submission } from "./publisher.ts";
import type { Requests } from "./requests.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** A request to publish, and where its response is expected: on a topic of the connection's own, unless told. */
export interface RequestCall {
  readonly message: PublishMessage;
  readonly responseTopic: TopicName | undefined;
}

export interface RequestParts {
  readonly requests: Requests;
  readonly subscriptions: Subscriptions;
  readonly publisher: Publisher;
  /** Hears of the request as it is given to be sent. */
  readonly onSubmitted: (submission: Submission) => void;
}

/** Responses should not be lost on the way; QoS 2 would take two more round trips. */
const responseQos = 1;

/**
 * Publishes a request and resolves with its response (MQTT 5 §4.10). When `over` aborts it gives up, and lets go of
 * what was subscribed for it.
 *
 * @throws {Problem} `invalid-request`, `no-responder`, or what subscribing or publishing failed with
 */
export async function callRequest(
  { message, responseTopic }: RequestCall,
  parts: RequestParts,
  link: Link,
  over: AbortSignal,
): Promise<ReceivedMessage> {
  const { requests, subscriptions } = parts;
  const version5 = link.protocolVersion === "5";
  if (!version5 && responseTopic === undefined) throw responseTopicNeeded(link);
  const topic = responseTopic ?? ownTopic(requests, link);
  // A topic name without wildcards is a topic filter too.
  const filter = topic as string as TopicFilter;
  const release = await subscriptions.hold({ topicFilter: filter, qos: responseQos }, link, over);
  // The own topic stays subscribed, for the requests that follow.
  const keeps = responseTopic === undefined && !over.aborted && requests.keepOwn();
  const end = () => {
    if (!keeps) void release();
  };
  if (!version5) {
    const leave = await requests.turn(topic);
    return exchange(message, parts, over, (take) => requests.expectOn(topic, take)).finally(() => {
      leave();
      end();
    });
  }
  const correlationData = Buffer.from(randomBytes(12).toString("base64url"));
  const properties = { ...message.properties, responseTopic: topic, correlationData };
  return exchange({ ...message, properties }, parts, over, (take) =>
    requests.expect(topic, correlationData, take),
  ).finally(end);
}

/** Publishes, and waits for what `expect` is given. */
function exchange(
  message: PublishMessage,
  { publisher, onSubmitted }: RequestParts,
  over: AbortSignal,
  expect: (take: (message: ReceivedMessage) => void) => () => void,
): Promise<ReceivedMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedMessage>();
  // Nobody hears of it: the caller has been told before.
  const giveUp = () => reject(new Problem("response-timeout", "No response came in time"));
  if (over.aborted) {
    giveUp();
    return promise;
  }
  const unexpect = expect(resolve);
  over.addEventListener("abort", giveUp, { once: true });
  const submission = publisher.submit(message, (result) => {
    if (result instanceof Problem) reject(result);
    else if (result.acknowledgement?.reasonCode === 0x10) reject(nobodyThere());
  });
  onSubmitted(submission);
  return promise.finally(() => {
    unexpect();
    over.removeEventListener("abort", giveUp);
    submission.cancel();
  });
}

/** No response in time; a request that was sent may still be carried out. */
export function responseTimeout(waitMs: number, submission: Submission | null): Problem {
  return new Problem("response-timeout", {
    detail: `No response came within ${waitMs} ms`,
    duplicatePossible: submission?.sent ?? false,
  });
}

function responseTopicNeeded({ protocolVersion }: Link): Problem {
  const detail = `is needed: MQTT ${protocolVersion} has no response topic of its own`;
  return new Problem("invalid-request", {
    detail: `/responseTopic: ${detail}`,
    errors: [{ pointer: "/responseTopic", detail }],
  });
}

function nobodyThere(): Problem {
  return new Problem(
    "no-responder",
    "The broker answered that nobody is subscribed to the topic of the request",
  );
}

function ownTopic(requests: Requests, { responseInformation }: Link): TopicName {
  if (requests.ownTopic === null) {
    const rest = `${randomBytes(12).toString("hex")}/response`;
    const given = parseTopicName(`${responseInformation ?? "connack"}/${rest}`);
    // What the broker gave may be no topic name at all.
    requests.ownTopic = given.ok ? given.value : (`connack/${rest}` as TopicName);
  }
  return requests.ownTopic;
}
