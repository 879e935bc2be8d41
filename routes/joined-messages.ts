import { requireScope } from "../src/access/forbidden.ts";
import { readableTopics } from "../src/access/request-rights.ts";
import type { MessageEntry } from "../src/connection/messages.ts";
import { inForm } from "../src/connection/payload-forms.ts";
import { Problem } from "../src/problem.ts";
import { FrameCache, untypedForm } from "../src/stream/frame.ts";
import type { Joined } from "../src/stream/subscriber.ts";
import type { AppContext } from "./context.ts";
import type { Format } from "./event-start.ts";

/** A connection's messages, on a stream of events. */
interface Joining {
  readonly joined: Joined<MessageEntry>;
  /** Keeps the connection from being idle; until what it returns is called. */
  readonly hold: () => () => void;
}

/** Without ids of their own: `Last-Event-ID` is of the events. */
export function joinedFrames(): FrameCache<MessageEntry> {
  return new FrameCache<MessageEntry>(
    untypedForm((entry) => inForm(entry, "auto")),
    false,
  );
}

/**
 * The messages of a connection from now on, as far as the caller may read them by `GET /connections/{id}/messages`. When
 * the connection closes they end, and the events, which say so, go on.
 *
 * @throws {Problem} `forbidden`, `not-found`, as that call gives
 */
export function joinedMessages(c: AppContext, id: string, frames: FrameCache<MessageEntry>): Joining {
  const principal = c.get("principal");
  // Before the look: who may not, learns nothing of what is there.
  requireScope(principal, "subscribe");
  const { registry } = c.get("tenant");
  const connection = registry.get(id);
  const { log } = connection.session.messages;
  const mayRead = readableTopics(principal);
  const wants = mayRead && ((entry: MessageEntry) => mayRead(entry.topic));
  return {
    joined: { log, frames, after: log.tail, wants, named: { messages: connection.id } },
    hold: () => registry.hold(connection.id),
  };
}

/** @throws {Problem} `invalid-request` where there is no stream that messages could come in between */
export function requireStream(format: Format): void {
  if (format !== "json") return;
  const detail = "has a meaning only with streams, not with history";
  throw new Problem("invalid-request", {
    detail: `messages: ${detail}`,
    errors: [{ parameter: "messages", detail }],
  });
}
