import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import { HttpConnection } from "./http-connection.ts";
import { settledBytes } from "./process-figures.ts";
import { kilobytes, ms, times, type Report } from "./report.ts";
import { startBare, startConnack, type Server } from "./servers.ts";
import { median, quantile } from "./statistics.ts";

export interface StreamSizes {
  readonly few: number;
  readonly many: number;
  readonly events: number;
  readonly settleMs: number;
  readonly against: string | undefined;
}

interface Seen {
  readonly name: string;
  readonly bytesEach: { readonly few: number; readonly many: number };
  /** From the event's own time to its arrival at the last reader; and from the first reader to the last. */
  readonly toLast: readonly number[];
  readonly spread: readonly number[];
  readonly complete: string;
  readonly whole: boolean;
}

/** What readers of one stream cost, and how soon an event is with all of them. */
export async function measureStreams(sizes: StreamSizes, report: Report): Promise<void> {
  const ours = await ofConnack("connack", sizes, undefined);
  const bare = await ofBareStream(sizes);
  const other = sizes.against === undefined ? [] : [await ofConnack("other checkout", sizes, sizes.against)];
  report({
    figure: `events that came to all of ${sizes.many} readers`,
    value: ours.complete,
    target: "all",
    met: ours.whole,
  });
  for (const { name, bytesEach, toLast, spread } of [bare, ...other]) {
    report({
      figure: `memory a reader, of ${sizes.few}; of ${sizes.many}`,
      value: `${kilobytes(ours.bytesEach.few)}; ${kilobytes(ours.bytesEach.many)}`,
      beside: `${name} ${kilobytes(bytesEach.few)}; ${kilobytes(bytesEach.many)}; ${times(ours.bytesEach.many / bytesEach.many)}`,
    });
    report({
      figure: `one event to all ${sizes.many}: median (p95)`,
      value: `${ms(median(ours.toLast))} (${ms(quantile(ours.toLast, 0.95))})`,
      beside: `${name} ${ms(median(toLast))} (${ms(quantile(toLast, 0.95))}); ${times(median(ours.toLast) / median(toLast))}`,
    });
    report({
      figure: "  from the first reader to the last",
      value: ms(median(ours.spread)),
      beside: `${name} ${ms(median(spread))}; ${times(median(ours.spread) / median(spread))}`,
    });
  }
}

async function ofConnack(name: string, sizes: StreamSizes, checkout: string | undefined): Promise<Seen> {
  await using broker = await startBroker();
  await using server = await startConnack(checkout);
  const warmUp = await HttpConnection.open(server.url);
  await warmUp.call("POST", "/connections", 201, { id: "bench", url: broker.url });
  // Code and caches are to be there before memory is looked at.
  for (let i = 0; i < 100; i += 1) await reconnect(warmUp);
  warmUp.close();
  return await watch(name, sizes, server, "/connections/bench/events", reconnect);
}

function reconnect(http: HttpConnection): Promise<unknown> {
  return http.call("POST", "/connections/bench/reconnect", 200);
}

async function ofBareStream(sizes: StreamSizes): Promise<Seen> {
  await using server = await startBare("bare-stream.ts");
  return await watch("bare stream", sizes, server, "/events", (http) => http.call("POST", "/emit", 200));
}

async function watch(
  name: string,
  { few, many, events, settleMs }: StreamSizes,
  { url, pid }: Server,
  path: string,
  emit: (http: HttpConnection) => Promise<unknown>,
): Promise<Seen> {
  await using readers = startChild(program("sse-readers.ts"));
  const look = () => settledBytes(pid, settleMs);
  const before = await look();
  await readers.ask({ command: "open", url, path, count: few });
  const withFew = await look();
  await readers.ask({ command: "open", url, path, count: many - few });
  const withMany = await look();
  const http = await HttpConnection.open(url);
  const toLast: number[] = [];
  const spread: number[] = [];
  for (let i = 0; i < events; i += 1) {
    const arrival = readers.ask<{ at: number; first: number; last: number }>({ command: "next" });
    await emit(http);
    const { at, first, last } = await arrival;
    toLast.push(last - at);
    spread.push(last - first);
  }
  http.close();
  const { events: came, same } = await readers.ask<{ events: number; same: number }>({ command: "counts" });
  return {
    name,
    bytesEach: { few: (withFew - before) / few, many: (withMany - withFew) / (many - few) },
    toLast,
    spread,
    complete: `${came} events, ${same} of ${many} readers have all`,
    whole: same === many && came >= events,
  };
}
