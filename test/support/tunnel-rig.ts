import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import type { ForwardOptions } from "../../src/cluster/tunnel.ts";
import { Tunnel } from "../../src/cluster/tunnel.ts";
import type { TunnelLimits } from "../../src/cluster/tunnel-limits.ts";
import type { CallInfo, Handler } from "../../src/cluster/tunnel-served.ts";
import type { TunnelServing } from "../../src/cluster/tunnel-serving.ts";
import type { Nats } from "./nats.ts";

/** Quick enough for a test to wait for, on a machine that is busy. */
export const quick: Partial<TunnelLimits> = { pingMs: 100, silentMs: 1_500 };

/** A node that owns, and one that forwards to it, each with its own connection to NATS. */
export interface TunnelRig extends AsyncDisposable {
  readonly subject: string;
  readonly ownerConnection: NatsConnection;
  readonly connection: NatsConnection;
  readonly owner: Tunnel;
  readonly tunnel: Tunnel;
  readonly serving: TunnelServing;
  /** Forwards to the owner. */
  call(path: string, init?: RequestInit & { duplex?: "half" }, options?: ForwardOptions): Promise<Response>;
}

let rigs = 0;

export async function tunnelRig(
  nats: Nats,
  handler: (request: Request, info: CallInfo) => ReturnType<Handler>,
  limits: Partial<TunnelLimits> = quick,
  ownerOptions: NodeConnectionOptions = {},
): Promise<TunnelRig> {
  const [ownerConnection, connection] = await Promise.all([nats.connect(ownerOptions), nats.connect()]);
  const owner = new Tunnel(ownerConnection, limits);
  const tunnel = new Tunnel(connection, limits);
  rigs += 1;
  const subject = `connack.${process.pid}-${rigs}.call`;
  const serving = owner.serve(subject, handler);
  await ownerConnection.flush();
  return {
    ...{ subject, ownerConnection, connection, owner, tunnel, serving },
    call: (path, init = {}, forward = {}) =>
      tunnel.forward(subject, new Request(`http://connack.test${path}`, init), forward),
    async [Symbol.asyncDispose]() {
      await Promise.all([owner[Symbol.asyncDispose](), tunnel[Symbol.asyncDispose]()]);
      await Promise.all([ownerConnection.close(), connection.close()]);
    },
  };
}

/** What somebody decides later. */
export const later = <T = void>() => Promise.withResolvers<T>();

/** Resolves when `condition` holds, looked at each turn of the event loop or so. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const giveUp = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A body of so many bytes, each told by its place. */
export function patterned(
  total: number,
  chunkBytes = 65_536,
  onPull: () => void = () => {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        onPull();
        const size = Math.min(chunkBytes, total - at);
        if (size === 0) return controller.close();
        const chunk = new Uint8Array(size);
        for (let i = 0; i < size; i += 1) chunk[i] = (at + i) % 251;
        at += size;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

/** How many bytes there were, each where it belongs. */
export async function countPatterned(stream: ReadableStream<Uint8Array> | null): Promise<number> {
  let at = 0;
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    for (let i = 0; i < chunk.length; i += 1) {
      if (chunk[i] !== (at + i) % 251) throw new Error(`The byte at ${at + i} is another's`);
    }
    at += chunk.length;
  }
  return at;
}
