import type { MessageEntry } from "../src/connection/messages.ts";
import type { OrderedLog } from "../src/stream/log.ts";
import { startOf, type Start } from "./event-start.ts";

/** Bytes of messages on one page at most, but for the first. */
const mostBytes = 4_194_304;

/** Entries looked at in one go. */
const batch = 256;

export interface PageQuery {
  readonly limit: number;
  readonly wants: ((entry: MessageEntry) => boolean) | undefined;
  readonly show: (entry: MessageEntry) => string;
}

/** A page of messages, and the cursor after it. */
interface Page {
  readonly items: readonly string[];
  readonly next: string;
  readonly gap: Start["gap"];
}

/** One page after a start; without items when there are none yet. */
export function readPage(log: OrderedLog<MessageEntry>, start: Start, query: PageQuery): Page {
  const items: string[] = [];
  let position = start.after;
  let bytes = 0;
  for (;;) {
    const entries = log.readAfter(position, batch) ?? [];
    if (entries.length === 0) return { items, next: log.idOf(position), gap: start.gap };
    for (const entry of entries) {
      const wanted = query.wants === undefined || query.wants(entry);
      const json = wanted ? query.show(entry) : "";
      const full = items.length === query.limit || (items.length > 0 && bytes + json.length > mostBytes);
      if (wanted && full) return { items, next: log.idOf(position), gap: start.gap };
      position = entry.sequence;
      if (!wanted) continue;
      items.push(json);
      bytes += json.length;
    }
  }
}

/** As {@link readPage}, and waits until there is something on it, the log ends, or `over` aborts. */
export async function awaitPage(
  log: OrderedLog<MessageEntry>,
  start: Start,
  query: PageQuery,
  over: AbortSignal,
): Promise<Page> {
  let from = start;
  for (;;) {
    const page = readPage(log, from, query);
    if (page.items.length > 0 || page.gap !== null || log.closed || over.aborted) return page;
    // What was looked through and not wanted is not looked at again; what goes meanwhile is a gap.
    from = startOf(log, page.next);
    if (from.gap === null) await nextAppend(log, over);
    from = startOf(log, page.next);
  }
}

function nextAppend(log: OrderedLog<MessageEntry>, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      unlisten();
      over.removeEventListener("abort", finish);
      resolve();
    };
    const unlisten = log.listen(finish);
    over.addEventListener("abort", finish, { once: true });
  });
}

/** The page as a body. */
export function pageBody({ items, next, gap }: Page): string {
  const told = gap === null ? "" : `,"gap":${JSON.stringify(gap)}`;
  return `{"items":[${items.join(",")}],"next":${JSON.stringify(next)}${told}}`;
}
