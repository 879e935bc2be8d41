/**
 * The same stream, with each of its items told as it goes by: the data of an event, or a line of JSON. It asks for a chunk
 * when it is asked for one, and holds none back, so that who is slow is as slow as before. A line that is longer than
 * `most` characters ends the telling, and not the stream.
 */
export function itemsIn(
  source: ReadableStream<Uint8Array>,
  most: number,
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

function itemsOfChunks(most: number, tell: (text: string) => void): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  let isTold = true;
  return (chunk) => {
    if (!isTold) return;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const item = /^(?:data: ?)?(\{.*)$/.exec(line)?.[1];
      if (item !== undefined) tell(item);
    }
    isTold = rest.length <= most;
  };
}
