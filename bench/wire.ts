/** A TCP connection of Bun's own kind, which costs the least: what measures is not to be what is measured. */
export interface Wire {
  /** Sends bytes, which must not change until it resolves: when the kernel has taken them. */
  send(bytes: Buffer): Promise<void>;
  /** Sends what is short and answered before the next: there is always room. */
  sendShort(bytes: Buffer): void;
  close(): void;
}

/** Connects; `onData` gets what comes, `onClose` hears when the other side closes. */
export async function openWire(
  url: string,
  onData: (bytes: Buffer) => void,
  onClose: () => void = () => {},
): Promise<Wire> {
  const { hostname, port } = new URL(url);
  let left: Buffer | null = null;
  let sent: (() => void) | null = null;
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, bytes) => onData(bytes),
      drain: () => flush(),
      close: () => {
        // What is left to be sent is not missed by whoever waits for it, but by whoever counts.
        left = null;
        sent?.();
        onClose();
      },
    },
  });
  socket.setNoDelay(true);
  function flush(): void {
    while (left !== null) {
      const written = Math.max(0, socket.write(left));
      if (written < left.length) {
        left = left.subarray(written);
        return;
      }
      left = null;
      sent?.();
    }
  }
  return {
    send(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      left = bytes;
      sent = resolve;
      flush();
      return promise;
    },
    sendShort(bytes) {
      if (socket.write(bytes) !== bytes.length) throw new Error("There was no room for a short write");
    },
    close: () => void socket.end(),
  };
}

/** Milliseconds since 1970, in fractions, the same in all processes. */
export const now = () => performance.timeOrigin + performance.now();
