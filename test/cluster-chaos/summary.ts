import type { ChainWatch } from "./chain-watch.ts";
import type { ClientWatch } from "./client-watch.ts";
import type { Home } from "./homes.ts";
import type { HttpPublisher } from "./http-publisher.ts";
import type { Losses } from "./losses.ts";
import type { Publisher } from "./publisher.ts";
import type { Reader } from "./reader.ts";

export interface Played {
  readonly counts: Readonly<Record<string, number>>;
  readonly homes: readonly Home[];
  readonly publisher: Publisher;
  readonly http: HttpPublisher;
  readonly readers: readonly Reader[];
  readonly chain: ChainWatch;
  readonly clients: ClientWatch;
  readonly losses: Losses;
  readonly wrong: readonly string[];
}

/** All that happened, in a line. */
export function summaryOf(played: Played): string {
  const { counts, homes, publisher, http, readers, chain, clients, losses, wrong } = played;
  const faults = sum(Object.values(counts));
  const due = sum(homes.map(({ published }) => published.size));
  const answers = [...http.answers].map(([answer, count]) => `${answer} ${count} times`);
  const connects = sum(homes.map(({ clientId }) => clients.connectsOf(clientId)));
  const takeOvers = sum(homes.map(({ clientId }) => clients.takeOversOf(clientId)));
  return [
    `${faults} faults (${Object.entries(counts)
      .map(([name, count]) => `${count} x ${name}`)
      .join(", ")})`,
    `${publisher.acknowledged} of ${publisher.sent} messages acknowledged by the broker, ${due} to be stored`,
    `publishing over HTTP was answered ${answers.join(", ")}`,
    `${readers.length} readers went elsewhere ${sum(readers.map(({ resumed }) => resumed))} times`,
    `${connects} CONNECTs of ${homes.length} connections, ${takeOvers} of which took a client id over`,
    `${chain.terms.length} terms, ${chain.records} records`,
    `slowest take-over after kill -9 ${losses.slowest.toFixed(1)} s`,
    wrong.length === 0 ? "all that was promised is there" : `${wrong.length} things are wrong`,
  ].join("; ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
