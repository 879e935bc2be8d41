import { createParser } from "eventsource-parser";

/** Reads a stream of Server-Sent Events up to about so many bytes, hangs up there, and gives the ids that were whole. */
export async function readAndCut(
  url: string,
  lastEventId: string | null,
  maxBytes: number,
): Promise<{ readonly ids: string[]; readonly types: string[] }> {
  const controller = new AbortController();
  const headers: Record<string, string> = lastEventId === null ? {} : { "last-event-id": lastEventId };
  const response = await fetch(url, { headers, signal: controller.signal });
  const ids: string[] = [];
  const types: string[] = [];
  const parser = createParser({
    onEvent: ({ id, event }) => {
      types.push(event ?? "");
      if (id !== undefined && event !== "snapshot") ids.push(id);
    },
  });
  let left = maxBytes;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    // Also in the middle of an event, which then has not been seen.
    parser.feed(decoder.decode(chunk.subarray(0, left), { stream: true }));
    left -= chunk.length;
    if (left <= 0) break;
  }
  controller.abort();
  return { ids, types };
}
