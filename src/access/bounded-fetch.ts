import { GatheredBytes } from "../gathered-bytes.ts";

/** As `fetch`, for an answer of at most `maxBytes`: what is longer, or has no end, is cut off, and is an error. */
export function boundedFetch(maxBytes: number) {
  return async (url: string, options: RequestInit): Promise<Response> => {
    const response = await fetch(url, options);
    const bytes = new GatheredBytes();
    for await (const chunk of response.body ?? []) {
      if (bytes.length + chunk.length > maxBytes)
        throw new Error(`The answer has more than ${maxBytes} bytes`);
      bytes.add(chunk);
    }
    const { status, headers } = response;
    return new Response(Buffer.from(bytes.take()), { status, headers });
  };
}
