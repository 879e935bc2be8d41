import type { Attempt } from "../broker/attempt.ts";
import type { Session } from "./session.ts";
import type { Traffic } from "./view.ts";

/** Counts a connection's traffic over all of its attempts. */
export class Meter {
  #messagesIn = 0;
  #messagesOut = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #lastReceivedAt = 0;
  #ping: { readonly rttMs: number; readonly at: number } | null = null;

  /** Takes over the figures of an attempt that has ended. */
  retire(attempt: Attempt | null): void {
    const client = attempt?.client;
    if (!client) return;
    this.#messagesIn += client.messagesIn;
    this.#messagesOut += client.messagesOut;
    this.#bytesIn += client.bytesIn;
    this.#bytesOut += client.bytesOut;
    this.#lastReceivedAt = Math.max(this.#lastReceivedAt, client.lastReceivedAt);
    this.#ping = attempt?.keepAlive?.last ?? this.#ping;
  }

  /** The figures now; `offset` turns monotonic times into epoch milliseconds. */
  read(attempt: Attempt | null, session: Session, offset: number): Traffic {
    const client = attempt?.client;
    const lastReceivedAt = Math.max(this.#lastReceivedAt, client?.lastReceivedAt ?? 0);
    const ping = attempt?.keepAlive?.last ?? this.#ping;
    return {
      lastPacketAt: lastReceivedAt === 0 ? null : lastReceivedAt + offset,
      ping: ping && { rttMs: ping.rttMs, at: ping.at + offset },
      messagesIn: this.#messagesIn + (client?.messagesIn ?? 0),
      messagesOut: this.#messagesOut + (client?.messagesOut ?? 0),
      bytesIn: this.#bytesIn + (client?.bytesIn ?? 0),
      bytesOut: this.#bytesOut + (client?.bytesOut ?? 0),
      inflight: session.inFlight + (client?.unanswered ?? 0),
      lateResponses: session.lateResponses,
      queued: session.parts.outbox?.waiting ?? 0,
      oldestUnacknowledgedAt: oldestOf(session, offset),
    };
  }
}

/** A message of the outbox that is under way is in both. */
function oldestOf({ publisher, parts }: Session, offset: number): number | null {
  const since = publisher.oldestSince;
  const underWay = since === null ? Infinity : since + offset;
  const oldest = Math.min(underWay, parts.outbox?.oldestAt ?? Infinity);
  return oldest === Infinity ? null : oldest;
}
