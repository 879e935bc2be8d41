/**
 * The same answer; `onEnd` is called once, when its body has come to its end, was broken off, or is not wanted any more.
 * `onOpen` is given what cuts it off, for a reader that is gone without a word.
 */
export function withWatchedEnd(
  { body, status, headers }: Response,
  onEnd: () => void,
  onOpen: (cut: () => void) => void = () => {},
): Response {
  if (body === null) {
    onEnd();
    return new Response(null, { status, headers });
  }
  const reader = body.getReader();
  let end = () => {
    end = () => {};
    onEnd();
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onOpen(() => {
          controller.error(null);
          end();
          reader.cancel().catch(() => {});
        });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          // Nothing comes of it where it was cut off before.
          controller.error(error);
        }
        return end();
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    // Nothing is taken before it is asked for: what waits, waits where it comes from.
    { highWaterMark: 0 },
  );
  return new Response(stream, { status, headers });
}
