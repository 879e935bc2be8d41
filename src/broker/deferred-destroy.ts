import type { Duplex } from "node:stream";

/** What holds of the network connection at the moment at which it is to be destroyed. */
export interface Deferral {
  readonly now: (error?: Error) => Duplex;
  /** Whether a DISCONNECT could still go out. */
  readonly mayDisconnect: () => boolean;
  /** Whether one is on its way, which closes the network connection behind it. */
  readonly isDisconnecting: () => boolean;
}

/** mqtt.js destroys the stream first and says why after; the DISCONNECT that says why must still go out. */
export function deferDestroy(stream: Duplex, { now, mayDisconnect, isDisconnecting }: Deferral): void {
  let deferred = false;
  stream.destroy = (error?: Error) => {
    if (deferred || !mayDisconnect() || error !== undefined) return now(error);
    deferred = true;
    process.nextTick(() => {
      if (!isDisconnecting()) now();
    });
    return stream;
  };
}
