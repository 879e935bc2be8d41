interface Bounds {
  readonly items: number;
  readonly length: number;
}

/**
 * The same stream, with each of its items told as it goes by: the data of an event, or a line of JSON. It asks for a chunk
 * when it is asked for one, and holds none back, so that who is slow is as slow as before. After `most.items`, or a line
 * that is longer than `most.length` characters, nothing more is told.
 */
export function itemsIn(
  source: ReadableStream<Uint8Array>,
  most: Bounds,
  tell: (text: string) => void,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const see = itemsOfChunks(most, tell);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        see(value);
        return controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function itemsOfChunks(most: Bounds, tell: (text: string) => void): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  let left = most.items;
  return (chunk) => {
    if (left === 0) return;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    const items = lines.flatMap((line) => /^(?:data: ?)?(\{.*)$/.exec(line)?.[1] ?? []).slice(0, left);
    items.forEach(tell);
    left = rest.length > most.length ? 0 : left - items.length;
  };
}
