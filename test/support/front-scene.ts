import assert from "node:assert/strict";
import type { EventReader, StreamEvent } from "./event-reader.ts";
import type { TestFront } from "./front-rig.ts";

/** Ids of connections, in all of three shards. */
export const ids: readonly string[] = Array.from({ length: 6 }, (_, n) => `c${n}`);

export async function openAll(front: TestFront, url: string): Promise<void> {
  for (const id of ids) {
    const opened = await front.open({ id, url });
    assert.equal(opened.status, 201, opened.text);
  }
}

/** Has each of them connect anew, which makes some events of each. */
export async function reconnectAll(front: TestFront, which: readonly string[] = ids): Promise<void> {
  for (const id of which) {
    const again = await front.call("POST", `/connections/${id}/reconnect`);
    assert.equal(again.status, 200, again.text);
  }
}

/** Reads on until all of these were `connected` once more. */
export async function untilConnected(reader: EventReader, which: readonly string[] = ids): Promise<void> {
  const left = new Set(which);
  while (left.size > 0) {
    const { data } = await reader.next("connected");
    left.delete(data.connection);
  }
}

/** What happened to connections, as each of the streams of all tells it. */
export function told(events: readonly StreamEvent[]): string[] {
  return events
    .filter(({ data }) => data.connection !== undefined && data.version !== undefined)
    .map(({ data }) => `${data.connection} ${data.eventId}`);
}

/** The same, as the cells keep it: in one order for each connection. */
export async function kept(front: TestFront, which: readonly string[] = ids): Promise<string[]> {
  const all: string[] = [];
  for (const id of which) {
    const answer = await front.call("GET", `/connections/${id}/events?format=json&limit=1000`);
    assert.equal(answer.status, 200, answer.text);
    for (const item of answer.body.items) all.push(`${id} ${item.id}`);
  }
  return all;
}

/** By connection, each in the order in which it came. */
export function byConnection(lines: readonly string[]): string[] {
  const of = (line: string) => line.slice(0, line.indexOf(" "));
  return lines.toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
}
