import { type Proxy, startProxy } from "./proxy.ts";

/** The network between servers, which can be taken away from one of them; clients still reach all. */
export interface NatsNetwork extends AsyncDisposable {
  /** The ports at which a server finds each, itself among them. */
  routesOf(index: number): readonly number[];
  /** No packet comes to it from another server or goes from it to one, and nobody is told. */
  isolate(index: number): void;
  /** What was on its way arrives. */
  heal(): void;
}

/** Nothing listens there: what servers tell one another of themselves, so that they dial no way around. */
export const nowhere = "127.0.0.1:1";

interface Cable {
  readonly from: number;
  readonly to: number;
  readonly proxy: Proxy;
}

/** A proxy for each direction in which two servers may dial one another. */
export async function startNatsNetwork(routes: readonly number[]): Promise<NatsNetwork> {
  const cables: Cable[] = [];
  for (const from of routes.keys()) {
    for (const [to, port] of routes.entries()) {
      if (from !== to) cables.push({ from, to, proxy: await startProxy(port) });
    }
  }
  return {
    routesOf: (index) =>
      routes.map(
        (own, to) => cables.find((cable) => cable.from === index && cable.to === to)?.proxy.port ?? own,
      ),
    isolate(index) {
      for (const { from, to, proxy } of cables) if (from === index || to === index) proxy.freeze();
    },
    heal() {
      for (const { proxy } of cables) proxy.thaw();
    },
    async [Symbol.asyncDispose]() {
      for (const { proxy } of cables) await proxy[Symbol.asyncDispose]();
    },
  };
}
