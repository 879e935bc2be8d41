import { Published } from "../crash/published.ts";

/** A connection that lives through all that happens. */
export interface Home {
  readonly id: string;
  readonly clientId: string;
  /** Of both of its subscriptions. */
  readonly qos: 1 | 2;
  /** Its own, and one that it has together with others. */
  readonly topics: readonly [own: string, shared: string];
  /** What the broker has acknowledged to whoever published, and has to be in its log. */
  readonly published: Published;
}

/** So many connections have a topic together. */
const together = 6;

export function makeHomes(count: number): readonly Home[] {
  return Array.from({ length: count }, (_, n) => {
    const id = `home-${n}`;
    return {
      id,
      clientId: `chaos-${n}`,
      qos: n % 2 === 0 ? 2 : 1,
      topics: [`chaos/own/${n}`, `chaos/shared/${Math.floor(n / together)}`],
      published: new Published(`messages of ${id}`),
    };
  });
}

/** What a connection is made with. */
export function requestOf({ clientId, qos, topics }: Home, url: string): object {
  return {
    url,
    clientId,
    cleanStart: false,
    properties: { sessionExpiryInterval: 86_400 },
    subscriptions: topics.map((topicFilter) => ({ topicFilter, qos })),
    log: { durable: true, messages: 50_000, bytes: 16_777_216 },
  };
}
