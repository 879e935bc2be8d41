import type { Readable } from "node:stream";

/**
 * Makes `read()` return all that is buffered, as it did before nodejs/node#60441 (both of our runtimes have that
 * change). Aedes reads once per "readable" event, so that it stalls for ever when a packet comes in pieces.
 */
export function readEverything<S extends Readable>(stream: S): S {
  const readOne = stream.read.bind(stream);
  const read = (size?: number | null): unknown => {
    if (typeof size === "number") return readOne(size);
    const chunks: Buffer[] = [];
    for (let chunk: unknown = readOne(); Buffer.isBuffer(chunk); chunk = readOne()) chunks.push(chunk);
    return chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? null);
  };
  return Object.assign(stream, { read });
}
